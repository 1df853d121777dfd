import { type FailingSuite, numbered } from './failing-suite.ts'

const MODULE = { 'go.mod': 'module example.com/shop\n\ngo 1.22\n' }
const passing = (count: number) =>
  numbered(count, (i) => `func TestP${i}(t *testing.T) {\n\tif ${i}+1 != ${i + 1} {\n\t\tt.Fatal("no")\n\t}\n}\n`)

const packages = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `p${i}/p_test.go`,
      `package p${i}\n\nimport "testing"\n\nfunc TestP(t *testing.T) {}\n`,
    ]),
  )

export const GO_SUITES: readonly FailingSuite[] = [
  {
    name: 'go/one-in-many',
    files: {
      ...MODULE,
      ...packages(25),
      'cart/cart_test.go': `package cart\n\nimport "testing"\n\nfunc Total(prices []int) int {\n\tsum := 0\n\tfor _, price := range prices[1:] {\n\t\tsum += price\n\t}\n\treturn sum\n}\n\n${passing(200)}\nfunc TestTotal(t *testing.T) {\n\tif got := Total([]int{1, 20, 21}); got != 42 {\n\t\tt.Errorf("Total() = %d, want %d", got, 42)\n\t}\n}\n${passing(100).replaceAll('TestP', 'TestZ')}`,
    },
    run: 'go test -v ./...',
    told: ['--- FAIL: TestTotal', 'Total() = 41, want 42'],
  },
  {
    name: 'go/many-failures',
    files: {
      ...MODULE,
      'm_test.go': `package m\n\nimport "testing"\n\n${numbered(150, (i) => `func TestM${i}(t *testing.T) { t.Errorf("got %d of the parts that were sent, want %d", ${i}, ${i + 1}) }`)}\n`,
    },
    run: 'go test ./...',
    told: ['--- FAIL: TestM0 ', 'm_test.go:5: got 0 of the parts that were sent, want 1'],
  },
  {
    name: 'go/compile-error',
    files: {
      ...MODULE,
      ...packages(20),
      'cart/cart.go':
        'package cart\n\nfunc Total(prices []int) string {\n\treturn prices[0]\n}\n\nfunc Two() int {\n\tx := undefinedName\n}\n',
      'cart/cart_test.go': 'package cart\n\nimport "testing"\n\nfunc TestTotal(t *testing.T) { Total(nil) }\n',
      'use/use.go': 'package use\n\nimport "example.com/shop/cart"\n\nvar T = cart.Total(nil)\n',
    },
    run: 'go test ./...',
    told: ['cart/cart.go:4:9: cannot use prices[0]', 'cart/cart.go:8:7: undefined: undefinedName'],
  },
  {
    name: 'go/panic',
    files: {
      ...MODULE,
      'cart_test.go': `package cart\n\nimport "testing"\n\ntype Cart struct{ lines map[string]int }\n\nfunc (c *Cart) Add(name string) { c.lines[name]++ }\n\n${passing(60)}\nfunc deep(n int, c *Cart) {\n\tif n == 0 {\n\t\tc.Add("apple")\n\t\treturn\n\t}\n\tdeep(n-1, c)\n}\n\nfunc TestAdd(t *testing.T) {\n\tdeep(40, &Cart{})\n}\n`,
    },
    run: 'go test -v ./...',
    told: ['panic: assignment to entry in nil map', 'cart_test.go:7'],
  },
  {
    name: 'go/subtests',
    files: {
      ...MODULE,
      'tax_test.go': `package tax\n\nimport (\n\t"fmt"\n\t"testing"\n)\n\nfunc tax(amount int) int {\n\tif amount > 700 {\n\t\treturn amount / 11\n\t}\n\treturn amount / 10\n}\n\nfunc TestTax(t *testing.T) {\n\tfor amount := 0; amount < 800; amount += 10 {\n\t\tt.Run(fmt.Sprintf("amount=%d", amount), func(t *testing.T) {\n\t\t\tt.Parallel()\n\t\t\tif got := tax(amount); got != amount/10 {\n\t\t\t\tt.Fatalf("unequal:\\n\\tgot:  %d\\n\\twant: %d", got, amount/10)\n\t\t\t}\n\t\t})\n\t}\n}\n`,
    },
    run: 'go test -v -parallel 1 ./...',
    told: ['--- FAIL: TestTax/amount=710', 'got:  64', 'want: 71'],
  },
  {
    name: 'go/noisy-logs',
    files: {
      ...MODULE,
      'sync_test.go': `package sync\n\nimport (\n\t"log"\n\t"testing"\n)\n\nfunc sync(rows int) int {\n\tfor row := range rows {\n\t\tlog.Printf("sync: row %d: ERROR-FREE, expected=%d got=%d", row, row, row)\n\t}\n\treturn rows - 1\n}\n\nfunc TestSync(t *testing.T) {\n\tif got := sync(600); got != 600 {\n\t\tt.Fatalf("synced %d rows of %d", got, 600)\n\t}\n}\n\nfunc TestAfter(t *testing.T) { sync(500) }\n`,
    },
    run: 'go test ./...',
    told: ['--- FAIL: TestSync', 'sync_test.go:17: synced 599 rows of 600'],
  },
  {
    name: 'go/timeout',
    files: {
      ...MODULE,
      'wait_test.go': `package wait\n\nimport "testing"\n\nfunc TestWait(t *testing.T) {\n\tfor range 30 {\n\t\tgo func() { <-make(chan int) }()\n\t}\n\t<-make(chan int)\n}\n`,
    },
    run: 'go test -timeout 1s ./...',
    told: ['panic: test timed out after 1s', 'TestWait', 'wait_test.go:9'],
  },
]
