import { type FailingSuite, numbered } from './failing-suite.ts'

const passing = (count: number) => numbered(count, (i) => `def test_p${i}():\n    assert ${i} + 1 == ${i + 1}\n`)

export const PYTEST_SUITES: readonly FailingSuite[] = [
  {
    name: 'pytest/one-in-many',
    files: {
      'cart.py': 'def total(prices):\n    return sum(prices[:-1])\n',
      'test_cart.py': `from cart import total\n\n${passing(400)}\n\ndef test_total():\n    assert total([20, 21, 1]) == 42\n`,
      'test_z.py': passing(200),
    },
    run: 'python -m pytest -v -p no:cacheprovider',
    told: ['assert 41 == 42', 'test_cart.py:1205: AssertionError'],
  },
  {
    name: 'pytest/many-failures',
    files: {
      'test_m.py': numbered(120, (i) => `def test_m${i}():\n    value = ${i}\n    assert value * 2 == value * 2 + 1\n`),
    },
    run: 'python -m pytest -p no:cacheprovider',
    told: ['assert (0 * 2) == ((0 * 2) + 1)', 'test_m.py:3: AssertionError'],
  },
  {
    name: 'pytest/import-error',
    files: {
      'shop/__init__.py': '',
      'shop/cart.py': 'from shop.prices import price_of\n',
      'shop/prices.py': 'import decimals\n',
      'test_cart.py': 'from shop.cart import price_of\n\ndef test_a():\n    assert price_of("a") == 1\n',
      'test_z.py': passing(50),
    },
    run: 'python -m pytest -v -p no:cacheprovider',
    told: ["ModuleNotFoundError: No module named 'decimals'", 'shop/prices.py:1'],
  },
  {
    name: 'pytest/parametrised',
    files: {
      'test_tax.py':
        'import pytest\n\ndef tax(amount):\n    return amount // 10 if amount < 300 else amount // 11\n\n' +
        '@pytest.mark.parametrize("amount", range(0, 330, 5))\ndef test_tax(amount):\n    assert tax(amount) == amount // 10, f"tax of {amount}"\n',
    },
    run: 'python -m pytest -v -p no:cacheprovider',
    told: ['AssertionError: tax of 300', 'assert 27 == (300 // 10)'],
  },
  {
    name: 'pytest/huge-diff',
    files: {
      'test_diff.py':
        'def rows(wrong):\n    return {f"row{i}": {"id": i, "name": f"name {i}", "price": i * (3 if i in wrong else 2)} for i in range(250)}\n\n' +
        'def test_rows():\n    assert rows({151}) == rows(set())\n',
    },
    run: 'python -m pytest -vv -p no:cacheprovider',
    told: ["{'row151': {'id': 151, 'name': 'name 151', 'price': 453}} != {'row151'", 'test_diff.py:5: AssertionError'],
  },
  {
    name: 'pytest/noisy-logs',
    files: {
      'test_sync.py':
        'import logging\n\nlog = logging.getLogger("sync")\n\ndef sync(rows):\n    for row in range(rows):\n        log.info("row %d written to the error table: 0 errors, retry=false", row)\n' +
        '    log.warning("expected %d rows", rows)\n    return rows - 1\n\ndef test_sync():\n    assert sync(500) == 500\n\ndef test_after():\n    print("after\\n" * 400)\n    sync(300)\n',
    },
    run: 'python -m pytest -s -o log_cli=true -o log_cli_level=INFO -p no:cacheprovider',
    told: ['assert 499 == 500', 'test_sync.py:12: AssertionError'],
  },
  {
    name: 'pytest/coverage',
    files: {
      ...Object.fromEntries(
        Array.from({ length: 120 }, (_, i) => [
          `app/part${i}.py`,
          `def f${i}(x):\n    if x:\n        return ${i}\n    return None\n`,
        ]),
      ),
      'app/__init__.py': '',
      'test_app.py': `${numbered(120, (i) => `from app.part${i} import f${i}`)}\n\n\nclass TestParts:\n    def test_first(self):\n        found = [f0(True), f1(False)]\n        assert found == [0, 1]\n`,
    },
    run: 'python -m pytest --cov=app --cov-report=term-missing -p no:cacheprovider',
    told: ['assert [0, None] == [0, 1]', 'At index 1 diff: None != 1'],
  },
  {
    name: 'pytest/timeout',
    files: {
      'test_wait.py': `import threading\n\n${passing(100)}\n\ndef wait_for(event):\n    event.wait()\n\ndef test_wait():\n    wait_for(threading.Event())\n`,
    },
    run: 'python -m pytest --timeout=1 -p no:cacheprovider',
    told: ['Failed: Timeout', 'test_wait.py:308'],
  },
]
