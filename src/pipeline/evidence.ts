import type { Applied } from './apply.ts'
import type { Proposed } from './propose.ts'
import type { Routed } from './route.ts'
import type { Verified } from './verify.ts'

/** What an attempt has to show before its pull request is opened: the outcome of every step so far. */
export type Evidence = { routed: Routed; proposed: Proposed; applied: Applied; verified: Verified }
