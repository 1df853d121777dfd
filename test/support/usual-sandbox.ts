import { readConfig } from '../../src/config.ts'
import { createSandbox } from '../../src/sandbox/create-sandbox.ts'
import type { Sandbox, SandboxKind } from '../../src/sandbox/sandbox.ts'

/** The sandbox of this machine, or the one that `MOOSE_SANDBOX` names for a whole run of the tests. */
export function usualSandbox(home: string): Sandbox {
  return createSandbox(readConfig({ ...settings(), MOOSE_HOME: home }))
}

/** @param more settings by their variables */
export function sandboxOf(kind: SandboxKind, home: string, more: Readonly<Record<string, string>> = {}): Sandbox {
  return createSandbox(readConfig({ ...settings(), ...more, MOOSE_HOME: home, MOOSE_SANDBOX: kind }))
}

function settings() {
  const { PATH, HOME, MOOSE_SANDBOX } = process.env
  return { PATH, HOME, MOOSE_SANDBOX }
}
