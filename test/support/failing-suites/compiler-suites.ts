import { type FailingSuite, numbered } from './failing-suite.ts'

const tsconfig = (more = '') =>
  `{"compilerOptions":{"strict":true,"noEmit":true,"target":"es2022","module":"nodenext","types":[]${more}},"include":["src"]}\n`
const files = (count: number, make: (index: number) => readonly [string, string]) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => make(index)))
const RULES = `export default [{ files: ['**/*.js'], languageOptions: { sourceType: 'module' }, rules: { 'no-undef': 'error', 'no-unused-vars': 'warn', eqeqeq: 'error', 'no-empty': 'error' } }]\n`
/** What package scripts print around a compiler. */
const around = (command: string) =>
  `for i in $(seq 1 300); do echo "generated src/generated/part-$i.ts (0 errors)"; done; status=0; ${command} || status=$?; for i in $(seq 1 200); do echo "cleaned part-$i"; done; exit $status`

export const TSC_SUITES: readonly FailingSuite[] = [
  {
    name: 'tsc/one-in-noise',
    files: {
      'tsconfig.json': tsconfig(),
      'src/cart.ts': 'export const total = (prices: number[]): string => prices.length\n',
    },
    run: around('tsc -p .'),
    told: ["src/cart.ts(1,52): error TS2322: Type 'number' is not assignable to type 'string'."],
  },
  {
    name: 'tsc/many-errors',
    files: {
      'tsconfig.json': tsconfig(),
      ...files(60, (i) => [
        `src/part${100 + i}.ts`,
        numbered(5, (j) => `export const v${j}: { id: number; name: string } = { id: 'x${j}', nmae: missing${j} }`),
      ]),
    },
    run: 'tsc -p .',
    told: ["src/part100.ts(1,51): error TS2322: Type 'string' is not assignable to type 'number'."],
  },
  {
    name: 'tsc/elaborated',
    files: {
      'tsconfig.json': tsconfig(),
      'src/handler.ts': `type Line = { product: { id: number; price: { amount: number; currency: 'EUR' | 'USD' } } }\ntype Order = { customer: { name: string }; lines: Line[]; onPaid: (order: Order, at: Date) => Promise<void> }\nconst line = { product: { id: 1, price: { amount: 1, currency: 'GBP' } } }\nexport const order: Order = { customer: { name: 'a' }, lines: [line], onPaid: async () => {} }\nexport const handler: Order['onPaid'] = (paid: { lines: string[] }) => paid.lines[0]\n`,
    },
    run: 'tsc -p . --pretty',
    told: [
      'TS2322',
      'src/handler.ts:4:64',
      "The types of 'product.price.currency' are incompatible between these types.",
    ],
  },
  {
    name: 'tsc/missing-module',
    files: {
      'tsconfig.json': tsconfig(),
      ...files(40, (i) => [`src/use${i}.ts`, `import { total } from './cart.js'\nexport const t${i} = total\n`]),
    },
    run: 'tsc -p .',
    told: ["error TS2307: Cannot find module './cart.js' or its corresponding type declarations."],
  },
  {
    name: 'tsc/configuration',
    files: {
      'tsconfig.json': tsconfig(',"stric":true,"moduleResolution":"classics"'),
      'src/cart.ts': 'export const total = 1\n',
    },
    run: around('tsc -p .'),
    told: ["tsconfig.json(1,98): error TS5023: Unknown compiler option 'stric'."],
  },
]

export const ESLINT_SUITES: readonly FailingSuite[] = [
  {
    name: 'eslint/one-error-among-warnings',
    files: {
      'eslint.config.mjs': RULES,
      ...files(80, (i) => [
        `src/part${100 + i}.js`,
        `${numbered(4, (j) => `const unused${j} = ${j}`)}\n${i === 60 ? 'export const same = (a, b) => a == b\n' : ''}`,
      ]),
    },
    run: 'eslint .',
    told: ['src/part160.js', "5:33  error    Expected '===' and instead saw '=='"],
  },
  {
    name: 'eslint/many-errors',
    files: {
      'eslint.config.mjs': RULES,
      ...files(60, (i) => [`src/part${100 + i}.js`, numbered(6, (j) => `missing${j}(${i} == x${j})`)]),
    },
    run: 'eslint .',
    told: ['src/part100.js', "1:1   error  'missing0' is not defined"],
  },
  {
    name: 'eslint/parse-error',
    files: {
      'eslint.config.mjs': RULES,
      'src/cart.js': 'export const total = (prices) => {\n  return prices.reduce((sum, price => sum + price, 0)\n}\n',
      ...files(40, (i) => [`src/part${i}.js`, 'const unused = 1\n']),
    },
    run: 'eslint .',
    told: ['src/cart.js', 'error  Parsing error: '],
  },
  {
    name: 'eslint/configuration',
    files: {
      'eslint.config.mjs':
        "import missing from 'eslint-plugin-that-is-missing'\nexport default [missing.configs.all]\n",
      'src/cart.js': 'export const total = 1\n',
    },
    run: around('eslint .'),
    told: ["Cannot find package 'eslint-plugin-that-is-missing'"],
  },
  {
    name: 'eslint/max-warnings',
    files: {
      'eslint.config.mjs': RULES,
      ...files(3, (i) => [`src/part${i}.js`, numbered(3, (j) => `const unused${j} = ${i}`)]),
    },
    run: around('FORCE_COLOR=1 eslint --max-warnings 5 .'),
    told: ["'unused0' is assigned a value but never used", 'ESLint found too many warnings (maximum: 5)'],
  },
]
