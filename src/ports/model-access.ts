import type { Fault } from '../faults/fault.ts'
import type { Usd } from '../money.ts'
import type { Reached } from '../sandbox/sandbox.ts'

/** One call that came through a grant. */
export type GrantedCall = {
  /** Null: the model answered, and the answer was passed on. */
  fault: Fault | null
  /** Null when no answer came. */
  costUsd: Usd | null
}

export type GrantRequest = {
  /** A name of `proposer_configs`: the only model the grant reaches. */
  proposer: string
  workOrderId: string
  attempt: number
  /** With the number of the call the key of a recording. */
  task: string
  /** How many answers the child may ask for; null: as many as one run may at all. */
  mostCalls: number | null
  signal: AbortSignal
  /** Bytes of the longest request the child has reason to send; at most 32 MiB are taken, whatever this says. */
  maxRequestBytes: number
  /** Why an answer must not reach the child; null when it may. The call has been made and is paid all the same. */
  refuse: (answer: string) => Fault | null
  /** Told of each call as it starts, and of one that failed, for the live log. */
  onProgress: (message: string) => Promise<void>
}

/** What a child process needs to call a model, and the record of its calls. Disposing it ends both at once. */
export type ModelGrant = AsyncDisposable & {
  /** Base of an OpenAI-compatible API on loopback, e.g. `http://127.0.0.1:41234/v1`. */
  readonly url: string
  /** What the URL leads to, for a child that sees no network of this machine. */
  readonly reach: Reached
  /** Bearer token; worth nothing anywhere else and nothing after the grant has ended. */
  readonly token: string
  /** The one model name the grant answers to. */
  readonly model: string
  /** Oldest first. */
  readonly calls: readonly GrantedCall[]
}

/** Lends a model to a child process without lending a key. */
export interface ModelGateway {
  /** @throws {Fault} `model_unknown`, `config_invalid` (its row is malformed), `model_key_missing` */
  grant(request: GrantRequest): Promise<ModelGrant>
}
