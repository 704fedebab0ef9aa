// Where the page starts. In: the document. Out: the mounted console.
import "ol/ol.css";
import "./theme.css";
import "./table.css";
import "./map.css";
import { createApp } from "vue";
import App from "./App.vue";
import { applyPreferences } from "./prefs";
import { followAddress } from "./route";
import { resumeSession } from "./store";

applyPreferences();
followAddress();
createApp(App).mount("#app");
void resumeSession();
