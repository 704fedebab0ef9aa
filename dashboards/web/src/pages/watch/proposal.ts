// What a key asks for in the open case, to be confirmed there. In: keys of the desk. Out: what the case's actions begin with.
import type { Outcome } from "../../types";

export type Proposal = Outcome | "dispatch";
