/** One thing Moose needs or could use. */
export type DoctorFinding = {
  name: string
  /** `optional`: not there and not needed for what is set up now; `warning`: it works, but not all of it may. */
  state: 'ok' | 'missing' | 'broken' | 'warning' | 'optional'
  detail: string
  /** What to type or do; null when there is nothing to do. */
  remedy: string | null
}
