import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** What the demo is made of: the folder `demo/` of this package. */
export const DEMO_CONTENT = fileURLToPath(new URL('../../demo', import.meta.url))

/** Where one home's demo lives; absolute paths, all below one folder of its own. */
export type DemoPlaces = {
  /** The demo's own MOOSE_HOME: no order of the demo ever meets a real one. */
  home: string
  /** A developer's checkout of the repository. */
  checkout: string
  /** The bare repository the pull requests are for. */
  remote: string
}

/** @param home the MOOSE_HOME the demo was started with */
export function demoPlaces(home: string): DemoPlaces {
  const folder = path.join(home, 'demo')
  return {
    home: path.join(folder, 'home'),
    checkout: path.join(folder, 'tally'),
    remote: path.join(folder, 'tally.git'),
  }
}
