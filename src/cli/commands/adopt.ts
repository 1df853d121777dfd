import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { actOnOrders, orderCommand } from './act-on-orders.ts'

export function adoptCommand(cli: Cli): Command {
  const description =
    'Gives pull requests back to Moose after somebody else has pushed to their branches: what these hold is verified, and followed again.'
  return orderCommand('adopt', description, 'moose adopt 1a2b3c4d').action((ids: string[]) =>
    actOnOrders(cli, ids, { verb: 'adopt', done: () => 'adopted; it is verified as it stands' }),
  )
}
