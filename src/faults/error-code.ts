/** The SQLSTATE or the system's name of an error; null when it has none. */
export function errorCode(thrown: unknown): string | null {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return null
  return typeof thrown.code === 'string' ? thrown.code : null
}

/** Whether an error says that a file or folder does not exist. */
export function isMissing(thrown: unknown): boolean {
  return errorCode(thrown) === 'ENOENT'
}
