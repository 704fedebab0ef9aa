// Lets tools that read only TypeScript (ESLint) know what a `.vue` import is; `vue-tsc` sees the real component.
declare module "*.vue" {
  import type { DefineComponent } from "vue";
  const component: DefineComponent;
  export default component;
}
