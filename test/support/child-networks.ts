import type { HostGrant } from '../../src/contract/hosts/host-rule.ts'
import { createLog } from '../../src/log.ts'
import { type ChildNetworks, createChildNetworks } from '../../src/sandbox/network/child-network.ts'
import type { SandboxKind } from '../../src/sandbox/sandbox.ts'

/** The ways to the net of children on a machine that reaches it by itself, with these grants for every project. */
export function networksFor(
  { home, sandbox }: { home: string; sandbox: SandboxKind },
  grants: readonly HostGrant[] = [],
): ChildNetworks {
  return createChildNetworks({
    home,
    kind: sandbox,
    environment: {},
    grantsOf: async () => grants,
    log: createLog('silent'),
  })
}
