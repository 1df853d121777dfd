import { type FailingSuite, numbered } from './failing-suite.ts'

const JUNIT = `<dependencies><dependency><groupId>org.junit.jupiter</groupId><artifactId>junit-jupiter</artifactId><version>5.11.4</version><scope>test</scope></dependency></dependencies>`
const SUREFIRE = `<build><plugins><plugin><artifactId>maven-surefire-plugin</artifactId><version>3.5.2</version></plugin><plugin><artifactId>maven-compiler-plugin</artifactId><version>3.13.0</version></plugin></plugins></build>`
const PROPERTIES =
  '<properties><maven.compiler.release>17</maven.compiler.release><project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties>'
const HEAD = '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
const pom = (name: string) =>
  `${HEAD}<groupId>x</groupId><artifactId>${name}</artifactId><version>1</version>${PROPERTIES}${JUNIT}${SUREFIRE}</project>\n`
const member = (name: string) =>
  `${HEAD}<parent><groupId>x</groupId><artifactId>all</artifactId><version>1</version></parent><artifactId>${name}</artifactId></project>\n`
const parent = (names: readonly string[]) =>
  `${HEAD}<groupId>x</groupId><artifactId>all</artifactId><version>1</version><packaging>pom</packaging><modules>${names.map((name) => `<module>${name}</module>`).join('')}</modules>${PROPERTIES}${JUNIT}${SUREFIRE}</project>\n`
const testClass = (name: string, body: string) =>
  `package x;\nimport org.junit.jupiter.api.*;\nimport static org.junit.jupiter.api.Assertions.*;\nclass ${name} {\n${body}\n}\n`
const passing = (count: number) => numbered(count, (i) => `  @Test void p${i}() { assertEquals(${i + 1}, ${i} + 1); }`)
const TESTS = 'src/test/java/x'
const MAVEN = 'mvn -B -o test'

export const MAVEN_SUITES: readonly FailingSuite[] = [
  {
    name: 'maven/one-in-many',
    files: {
      'pom.xml': pom('one'),
      ...Object.fromEntries(
        Array.from({ length: 40 }, (_, i) => [`${TESTS}/P${i}Test.java`, testClass(`P${i}Test`, passing(3))]),
      ),
      [`${TESTS}/CartTest.java`]: testClass(
        'CartTest',
        `  static int total(int... prices) { int sum = 0; for (int i = 1; i < prices.length; i++) sum += prices[i]; return sum; }\n${passing(20)}\n  @Test void totals() { assertEquals(42, total(1, 20, 21), "the cart's total"); }`,
      ),
    },
    run: MAVEN,
    told: ["the cart's total ==> expected: <42> but was: <41>", 'CartTest.java:26'],
  },
  {
    name: 'maven/many-failures',
    files: {
      'pom.xml': pom('many'),
      [`${TESTS}/ManyTest.java`]: testClass(
        'ManyTest',
        numbered(60, (i) => `  @Test void m${i}() { assertEquals(${i}, ${i + 1}, "part ${i}"); }`),
      ),
    },
    run: MAVEN,
    told: ['==> expected: <', 'ManyTest.java:'],
  },
  {
    name: 'maven/compile-error',
    files: {
      'pom.xml': pom('broken'),
      'src/main/java/x/Cart.java':
        'package x;\npublic class Cart {\n  String total(int[] prices) {\n    return prices.length;\n  }\n  int two() { return missing; }\n}\n',
      [`${TESTS}/CartTest.java`]: testClass('CartTest', passing(3)),
    },
    run: MAVEN,
    told: [
      'Cart.java:[4,18] incompatible types: int cannot be converted to java.lang.String',
      'Cart.java:[6,22] cannot find symbol',
    ],
  },
  {
    name: 'maven/exception',
    files: {
      'pom.xml': pom('exception'),
      'src/main/java/x/Store.java':
        'package x;\npublic class Store {\n  public static String read(String name) {\n    try { return open(name); } catch (IllegalArgumentException e) { throw new IllegalStateException("cannot read " + name, e); }\n  }\n  static String open(String name) { throw new IllegalArgumentException("no such table: " + name); }\n}\n',
      [`${TESTS}/StoreTest.java`]: testClass(
        'StoreTest',
        `${passing(30)}\n  @Test void reads() { assertEquals("a", Store.read("orders")); }`,
      ),
    },
    run: MAVEN,
    told: [
      'java.lang.IllegalStateException: cannot read orders',
      'Caused by: java.lang.IllegalArgumentException: no such table: orders',
    ],
  },
  {
    name: 'maven/noisy-logs',
    files: {
      'pom.xml': pom('noisy'),
      [`${TESTS}/SyncTest.java`]: testClass(
        'SyncTest',
        '  static int sync(int rows) { for (int i = 0; i < rows; i++) System.out.println("12:00:00.000 [main] ERROR x.Sync - row " + i + " was written, expected: " + i); return rows - 1; }\n  @Test void syncs() { assertEquals(600, sync(600)); }\n  @Test void zAfter() { sync(500); }',
      ),
      [`${TESTS}/ZTest.java`]: testClass('ZTest', '  @Test void noise() { SyncTest.sync(500); }'),
    },
    run: MAVEN,
    told: ['expected: <600> but was: <599>', 'SyncTest.java:6'],
  },
  {
    name: 'maven/parametrised',
    files: {
      'pom.xml': pom('parametrised'),
      [`${TESTS}/TaxTest.java`]: `package x;\nimport org.junit.jupiter.params.ParameterizedTest;\nimport org.junit.jupiter.params.provider.ValueSource;\nimport static org.junit.jupiter.api.Assertions.*;\nclass TaxTest {\n  static int tax(int amount) { return amount > 700 ? amount / 11 : amount / 10; }\n  @ParameterizedTest(name = "tax of {0}")\n  @ValueSource(ints = {${Array.from({ length: 76 }, (_, i) => i * 10).join(', ')}})\n  void taxes(int amount) { assertEquals(amount / 10, tax(amount)); }\n}\n`,
    },
    run: MAVEN,
    told: ['expected: <71> but was: <64>', 'TaxTest.java:9'],
  },
  {
    name: 'maven/reactor',
    files: {
      'pom.xml': parent(['core', 'shop', 'web']),
      'core/pom.xml': member('core'),
      [`core/${TESTS}/CoreTest.java`]: testClass('CoreTest', passing(20)),
      'shop/pom.xml': member('shop'),
      [`shop/${TESTS}/ShopTest.java`]: testClass(
        'ShopTest',
        `${passing(10)}\n  @Test void waits() { assertTimeoutPreemptively(java.time.Duration.ofMillis(50), () -> Thread.sleep(5_000)); }`,
      ),
      'web/pom.xml': member('web'),
      [`web/${TESTS}/WebTest.java`]: testClass('WebTest', passing(20)),
    },
    run: 'mvn -B -o -fae test',
    told: ['execution timed out after 50 ms', 'ShopTest.waits'],
  },
]
