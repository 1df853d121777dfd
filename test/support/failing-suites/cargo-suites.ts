import { type FailingSuite, numbered } from './failing-suite.ts'

const PACKAGE = { 'Cargo.toml': '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n' }
const passing = (count: number) =>
  numbered(count, (i) => `    #[test]\n    fn p${i}() { assert_eq!(${i} + 1, ${i + 1}); }`)
const tests = (body: string) =>
  `#[cfg(test)]\nmod tests {\n    #[allow(unused_imports)]\n    use super::*;\n${body}\n}\n`

export const CARGO_SUITES: readonly FailingSuite[] = [
  {
    name: 'cargo/one-in-many',
    files: {
      ...PACKAGE,
      'src/lib.rs': `pub fn total(prices: &[i32]) -> i32 {\n    prices.iter().skip(1).sum()\n}\n${tests(`    #[test]\n    fn totals() {\n        assert_eq!(total(&[1, 20, 21]), 42);\n    }\n${passing(400)}`)}`,
    },
    run: 'cargo test',
    told: ["thread 'tests::totals'", 'left: 41', 'right: 42'],
  },
  {
    name: 'cargo/many-failures',
    files: {
      ...PACKAGE,
      'src/lib.rs': tests(
        numbered(
          80,
          (i) => `    #[test]\n    fn m${100 + i}() { assert_eq!(${i}, ${i + 1}, "part {} of the order", ${i}); }`,
        ),
      ),
    },
    run: 'cargo test -- --test-threads=1',
    told: ["thread 'tests::m100'", 'part 0 of the order', 'left: 0', 'right: 1'],
  },
  {
    name: 'cargo/compile-error',
    files: {
      ...PACKAGE,
      'src/lib.rs': `${numbered(60, (i) => `fn unused${i}(x: i32) -> i32 { let y = ${i}; 1 }`)}\npub fn total(prices: &[i32]) -> String {\n    prices.len()\n}\n`,
    },
    run: 'cargo test',
    told: ['error[E0308]: mismatched types', 'src/lib.rs:62:5', 'expected `String`, found `usize`'],
  },
  {
    name: 'cargo/many-errors',
    files: {
      ...PACKAGE,
      'src/lib.rs': numbered(
        50,
        (i) =>
          `pub fn f${i}(x: &str) -> u64 {\n    let parts: Vec<String> = x.split(',').collect();\n    parts.len() + missing_${i}\n}`,
      ),
    },
    run: 'cargo build',
    told: ['error[E0425]: cannot find value `missing_0` in this scope', 'src/lib.rs:3:19'],
  },
  {
    name: 'cargo/panic-backtrace',
    files: {
      ...PACKAGE,
      'src/lib.rs': `use std::collections::HashMap;\n\npub fn price(prices: &HashMap<String, i32>, name: &str) -> i32 {\n    *prices.get(name).unwrap()\n}\n${tests(`${passing(50)}\n    #[test]\n    fn finds() {\n        assert_eq!(price(&HashMap::new(), "apple"), 1);\n    }`)}`,
    },
    run: 'RUST_BACKTRACE=1 cargo test',
    told: ['called `Option::unwrap()` on a `None` value', 'src/lib.rs:4:23'],
  },
  {
    name: 'cargo/noisy-logs',
    files: {
      ...PACKAGE,
      'src/lib.rs': `pub fn sync(rows: i32) -> Result<i32, String> {\n    for row in 0..rows {\n        println!("[INFO] row {row}: error=none assertion=held");\n    }\n    Err(format!("{} rows of {}", rows - 1, rows))\n}\n${tests('    #[test]\n    fn syncs() {\n        sync(600).expect("all rows are written");\n    }\n    #[test]\n    fn after() {\n        let _ = sync(700);\n    }')}`,
    },
    run: 'cargo test -- --nocapture --test-threads=1',
    told: ['all rows are written: "599 rows of 600"', 'src/lib.rs:13:19'],
  },
  {
    name: 'cargo/doc-test',
    files: {
      ...PACKAGE,
      'src/lib.rs': `/// Doubles.\n///\n/// \`\`\`\n/// assert_eq!(shop::double(3), 7);\n/// \`\`\`\npub fn double(x: i32) -> i32 {\n    x * 2\n}\n${numbered(40, (i) => `/// \`\`\`\n/// assert_eq!(shop::d${i}(), ${i});\n/// \`\`\`\npub fn d${i}() -> i32 {\n    ${i}\n}`)}\n${tests(passing(100))}`,
    },
    run: 'cargo test',
    told: ['src/lib.rs - double (line 3)', 'left: 6', 'right: 7'],
  },
]
