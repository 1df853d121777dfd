import { randomUUID } from 'node:crypto'

/**
 * What tells this process from every other, also from an earlier one of the same home: an attempt, and a reservation,
 * belong to exactly one holder at a time.
 */
export const processId = randomUUID()
