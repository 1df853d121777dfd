import type { Engine } from '../attempt/engine.ts'

export type LazyEngine = AsyncDisposable & {
  /** The engine, opened at the first call; after a failure the next call tries again. */
  launched(): Promise<Engine>
}

/** Commands that only look need no engine. Disposing it twice does nothing more. */
export function createLazyEngine(open: () => Promise<Engine>): LazyEngine {
  let engine: Promise<Engine> | null = null
  return {
    launched() {
      engine ??= open().catch((error: unknown) => {
        engine = null
        throw error
      })
      return engine
    },
    async [Symbol.asyncDispose]() {
      const opened = engine
      engine = null
      if (opened !== null) await (await opened)[Symbol.asyncDispose]()
    },
  }
}
