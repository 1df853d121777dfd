import { countIn, type ReportReader, reportOf } from './report-reader.ts'

/** `go test`, `go vet` and `go build`. @see https://pkg.go.dev/cmd/go#hdr-Test_packages */
export function go(): ReportReader {
  const names: string[] = []
  let ofPackage: string[] = []
  let isWhole = true
  return {
    line(text) {
      const [, test] = /^ *--- FAIL: (\S+) \(/.exec(text) ?? []
      if (test !== undefined) ofPackage.push(test)
      const [, place, message] = /^(?:vet: )?([^\s:][^:]*\.go:\d+)(?::\d+)?: (.*)$/.exec(text) ?? []
      if (place !== undefined) names.push(`go: ${place.replace(/^\.\//, '')}: ${message}`)
      if (text.endsWith('too many errors')) isWhole = false
      const [, failed, why] = /^FAIL\t(\S+)(?:\t[\d.]+s| \[(build failed|setup failed)\])$/.exec(text) ?? []
      if (failed === undefined) return
      if (why !== undefined) names.push(`go: ${failed} [${why}]`)
      else if (ofPackage.length === 0) isWhole = false
      // One by one: an engine takes some ten thousand arguments at once.
      for (const name of ofPackage) names.push(`go: ${failed} ${name}`)
      ofPackage = []
    },
    report: () => reportOf(names, isWhole && ofPackage.length === 0, isWhole ? ofPackage.length : 1),
  }
}

/** Cargo's own words after the errors. */
const CARGO_SUMMARY =
  /^error: (?:could not compile|aborting due to|test failed|doctest failed|\d+ targets? failed|build failed)/

/** Tests and compile errors. @see https://doc.rust-lang.org/cargo/commands/cargo-test.html */
export function cargo(): ReportReader {
  const names: string[] = []
  let target = ''
  let error: string | null = null
  let failedTests = 0
  let countedTests = 0
  let errors = 0
  let countedErrors = 0
  let stopped = false
  return {
    line(text) {
      // Without --no-fail-fast the targets behind the one that fails are not run; with it they are listed at the end.
      if (/^error: (?:test|doctest) failed, to rerun pass/.test(text)) stopped = true
      if (/^error: \d+ targets? failed:$/.test(text)) stopped = false
      const [, binary] = /^ +(?:Running(?: unittests)?|Doc-tests) (\S+)/.exec(text) ?? []
      if (binary !== undefined) target = binary
      const [, test] = /^test (\S.*) \.\.\. FAILED$/.exec(text) ?? []
      if (test !== undefined) {
        failedTests += 1
        names.push(`cargo: ${target}: ${test.replace(/ \(line \d+\)/, '')}`)
      }
      countedTests += countIn(text, /^test result: FAILED\. \d+ passed; (\d+) failed;/)
      const [, place] = /^ *--> ([^\s:]+:\d+):\d+$/.exec(text) ?? []
      if (place !== undefined && error !== null) {
        errors += 1
        names.push(`rustc: ${place}: ${error}`)
        error = null
      }
      if (/^error(?:\[E\d+\])?: ./.test(text) && !CARGO_SUMMARY.test(text)) error = text
      countedErrors = Math.max(
        countedErrors,
        countIn(text, /^error: could not compile .* due to (\d+) previous errors?\b/),
      )
    },
    report() {
      const isWhole = !stopped && failedTests === countedTests && errors >= countedErrors
      return reportOf(names, isWhole, countedTests + countedErrors)
    },
  }
}

/** Maven's compiler and Surefire. @see https://maven.apache.org/surefire/maven-surefire-plugin/ */
export function maven(): ReportReader {
  const tests: string[] = []
  // Told twice, as they arise and at the end; by the whole line, which says where.
  const errors = new Map<string, string>()
  let counted = 0
  let skipped = false
  return {
    line(text) {
      // Of the reactor's summary: a module that was not built because one before it failed.
      if (/^\[INFO\] \S.* SKIPPED$/.test(text)) skipped = true
      const [, told = ''] = /^\[ERROR\] +(\S.*)$/.exec(text) ?? []
      const end = told.indexOf(' Time elapsed: ')
      const isFailure = end !== -1 && (told.includes('<<< FAILURE!') || told.includes('<<< ERROR!'))
      if (isFailure && !told.startsWith('Tests run:'))
        tests.push(`maven: ${told.slice(0, end).trimEnd().replace(/ --$/, '')}`)
      const [, failures, broken] = /^Tests run: \d+, Failures: (\d+), Errors: (\d+), Skipped: \d+$/.exec(told) ?? []
      if (failures !== undefined) counted += Number(failures) + Number(broken)
      const [, file, line, message] = /^(\S[^:]*):\[(\d+),\d+\] (.*)$/.exec(told) ?? []
      if (message !== undefined) errors.set(told, `javac: ${file}:${line}: ${message}`)
    },
    report: () => reportOf([...tests, ...errors.values()], !skipped && tests.length === counted, counted),
  }
}

/** Gradle's tests. @see https://docs.gradle.org/current/userguide/java_testing.html */
export function gradle(): ReportReader {
  const names: string[] = []
  let counted = 0
  return {
    line(text) {
      if (/^\S/.test(text) && text.includes(' > ') && text.endsWith(' FAILED'))
        names.push(`gradle: ${text.slice(0, -' FAILED'.length)}`)
      counted += countIn(text, /^\d+ tests? completed, (\d+) failed\b/)
    },
    report: () => reportOf(names, names.length === counted, counted),
  }
}

/** Behind the folder of a package and the name of its script. */
const PNPM_FAILED = ': Failed'

/**
 * Targets of make, recipes of just and packages of a workspace that failed: around the report of another tool, never a
 * report by themselves. Without them a package that fails in a way that is not known here would go unseen beside one that
 * failed before.
 *
 * @see https://docs.npmjs.com/cli/using-npm/workspaces and https://pnpm.io/cli/recursive
 */
export function targets(): ReportReader {
  const names: string[] = []
  return {
    line(text) {
      const [, target] = /^g?make(?:\[\d+\])?: \*\*\* \[(?:[^\]:]*:\d+: )?([^\]]*)\] Error \d+$/.exec(text) ?? []
      if (target !== undefined) names.push(`make: ${target}`)
      const [, recipe] = /^error: [Rr]ecipe `([^`]*)` failed\b/.exec(text) ?? []
      if (recipe !== undefined) names.push(`just: ${recipe}`)
      const [, member] = /^npm (?:error|ERR!) workspace (\S+)$/.exec(text) ?? []
      if (member !== undefined) names.push(`npm: ${member}`)
      if (text.endsWith(PNPM_FAILED)) names.push(`pnpm: ${text.slice(0, -PNPM_FAILED.length)}`)
    },
    report: () => reportOf(names, true),
  }
}
