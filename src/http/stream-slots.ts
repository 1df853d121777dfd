import { Fault } from '../faults/fault.ts'

/** Counts what is open, so that forgotten streams cannot use up the service, nor one caller what is there for all. */
export type StreamSlots = {
  /**
   * Takes a slot.
   *
   * @returns gives it back; a second call does nothing
   * @throws {Fault} `too_many_streams`
   */
  take(caller: string): () => void
}

type Limits = { maxStreams: number; maxStreamsOfCaller: number }

export function createStreamSlots({ maxStreams, maxStreamsOfCaller }: Limits): StreamSlots {
  const open = new Map<symbol, string>()
  return {
    take: (caller) => {
      const own = [...open.values()].filter((other) => other === caller).length
      if (open.size >= maxStreams) throw tooMany(maxStreams, 'are open already')
      if (own >= maxStreamsOfCaller) throw tooMany(maxStreamsOfCaller, `of ${caller} are open already`)
      const slot = Symbol('stream')
      open.set(slot, caller)
      return () => {
        open.delete(slot)
      }
    },
  }
}

function tooMany(max: number, open: string): Fault {
  const message = `${max} event streams ${open}. Close one of them, or try again later.`
  return new Fault('too_many_streams', message, { max })
}
