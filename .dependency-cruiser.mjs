/**
 * Which folder may import which. A folder imports only from layers below its own:
 *
 *   cli → demo → app → {http, doctor} → {client-manager, notifications} → orchestrator → follow-up → fleet → attempt
 *     → {manager, proposer, executors, forge, workspace, checks, retention} → models → ports
 *     → {budget, audit, director} → {db, git, sandbox, remote} → {process, files} → contract → edits → {work-order, detect} → telemetry
 *     → {config, log, redaction} → {faults, async, clock, money, json-or-null}
 */
const LAYERS = [
  ['^src/cli/'],
  ['^src/demo/'],
  ['^src/app(\\.ts|/)'],
  ['^src/(http|doctor)/'],
  ['^src/(client-manager|notifications)/'],
  ['^src/orchestrator/'],
  ['^src/follow-up/'],
  ['^src/fleet/'],
  ['^src/attempt/'],
  ['^src/(manager|proposer|executors|forge|workspace|checks|retention)/'],
  ['^src/models/'],
  ['^src/ports/'],
  ['^src/(budget|audit|director)/'],
  ['^src/(db|git|sandbox|remote)/'],
  ['^src/(process|files)/'],
  ['^src/contract/'],
  ['^src/edits/'],
  ['^src/(work-order|detect)/'],
  ['^src/telemetry/'],
  ['^src/(redaction/|config(\\.ts|/)|log\\.ts)'],
  ['^src/(faults/|async/|clock\\.ts|money\\.ts|json-or-null\\.ts)'],
]

/** Adapters do not know each other; what they share stands below them. */
const ADAPTERS = ['manager', 'proposer', 'models', 'executors', 'forge', 'workspace', 'checks', 'retention']
/** The exceptions, each a decision: the Proposer and the Manager call models through models/. */
const MAY_KNOW = { proposer: ['models'], manager: ['models'] }

const upward = LAYERS.slice(1).map((layer, index) => ({
  name: `upward-from-${layer[0].replaceAll(/\^src|\\|[()/]/g, '').replaceAll('|', '-')}`,
  comment: 'Imports run one way; see the picture at the top of this file.',
  severity: 'error',
  from: { path: layer },
  to: { path: LAYERS.slice(0, index + 1).flat() },
}))

const sideways = ADAPTERS.map((adapter) => ({
  name: `sideways-from-${adapter}`,
  comment: 'Adapters do not import each other.',
  severity: 'error',
  from: { path: `^src/${adapter}/` },
  to: {
    path: ADAPTERS.filter((other) => other !== adapter && !(MAY_KNOW[adapter] ?? []).includes(other)).map(
      (other) => `^src/${other}/`,
    ),
  },
}))

export default {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    { name: 'nothing-imports-tests', severity: 'error', from: { path: '^src/', pathNot: '\\.test\\.ts$' }, to: { path: '^test/' } },
    { name: 'cli-is-a-client', comment: 'Commands speak the contract; what lies behind it they reach through app.ts. Whether a process is there they may see for themselves, and show a page in the browser.', severity: 'error', from: { path: '^src/cli/' }, to: { path: '^src/(http|doctor|orchestrator|follow-up|fleet|attempt|manager|proposer|models|executors|forge|workspace|checks|retention|db|git|sandbox|process)/', pathNot: '^src/process/(is-alive|open-in-browser)\\.ts$' } },
    { name: 'one-journal', comment: 'What a step gave is in the journal of the engine; what shows of it decides nothing.', severity: 'error', from: { path: '^src/(orchestrator|follow-up|fleet|attempt|proposer|models|executors|forge|workspace|checks|retention|budget|manager)/', pathNot: '^src/manager/review\\.ts$' }, to: { path: '^src/db/(attempts/(attempt-history|model-tries)|numbers/outcomes)\\.ts$' } },
    { name: 'learned-through-one-file', comment: 'The static rule stands without the learned policy.', severity: 'error', from: { path: '^src/manager/[^/]+\\.ts$' }, to: { path: '^src/manager/learned/(?!learned-policy\\.ts$)' } },
    { name: 'spans-by-the-api-alone', comment: 'What sends spans is chosen in app/; everything else only makes them.', severity: 'error', from: { path: '^src/', pathNot: '^src/app/' }, to: { path: 'node_modules/@opentelemetry/(?!api/)' } },
    { name: 'page-knows-the-contract-alone', comment: 'Mission Control knows the types that are made of openapi.json, and nothing of src/.', severity: 'error', from: { path: '^web/' }, to: { path: '^(src|test|scripts)/' } },
    { name: 'nothing-imports-the-page', severity: 'error', from: { path: '^(src|scripts)/' }, to: { path: '^web/' } },
    ...upward,
    ...sideways,
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
}
