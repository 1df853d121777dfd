import { spawn } from 'node:child_process'

/**
 * Shows a page in the browser of this machine, and leaves it there.
 *
 * @param environment of this process: it says whether there is a desktop, and the browser needs it
 * @returns false where nothing was opened: it is no web page, there is no desktop, as over SSH, or no program for it
 */
export async function openInBrowser(
  url: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  if (!isWebPage(url) || !hasDesktop(environment)) return false
  const program = process.platform === 'darwin' ? 'open' : 'xdg-open'
  const child = spawn(program, [url], { detached: true, stdio: 'ignore', env: { ...environment } })
  const isStarted = await new Promise<boolean>((resolve) => {
    child.once('spawn', () => resolve(true))
    child.once('error', () => resolve(false))
  })
  child.unref()
  return isStarted
}

/** It begins with its scheme, so that it cannot stand where a flag could. */
function isWebPage(url: string): boolean {
  const { protocol } = URL.canParse(url) ? new URL(url) : { protocol: null }
  return protocol === 'https:' || protocol === 'http:'
}

function hasDesktop(environment: Readonly<Record<string, string | undefined>>): boolean {
  const isSet = (name: string) => environment[name] !== undefined && environment[name] !== ''
  if (isSet('SSH_CONNECTION') || isSet('SSH_TTY')) return false
  return process.platform === 'darwin' || isSet('DISPLAY') || isSet('WAYLAND_DISPLAY')
}
