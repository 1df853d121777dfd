/** The release Moose is made for: the flags, markers and limits it relies on were measured on it. */
export const AIDER_VERSION = '0.86.2'

/** Whether what `aider --version` prints is a release Moose can drive: the same minor. */
export function isKnownVersion(printed: string): boolean {
  const [major, minor] = AIDER_VERSION.split('.')
  return new RegExp(`^aider ${major}\\.${minor}\\.\\d+`, 'm').test(printed)
}
