import { Fault } from '../faults/fault.ts'

/** Counts what is open, so that forgotten streams cannot use up the service. */
export type StreamSlots = {
  /**
   * Takes a slot.
   *
   * @returns gives it back; a second call does nothing
   * @throws {Fault} `too_many_streams`
   */
  take(): () => void
}

export function createStreamSlots(max: number): StreamSlots {
  const open = new Set<symbol>()
  return {
    take: () => {
      if (open.size >= max) {
        const message = `${max} event streams are open already. Close one of them, or try again later.`
        throw new Fault('too_many_streams', message, { max })
      }
      const slot = Symbol('stream')
      open.add(slot)
      return () => {
        open.delete(slot)
      }
    },
  }
}
