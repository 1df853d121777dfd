import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importedFiles } from './imports.ts'

/** What a file with this text imports, of a repository with these files. */
function imported(
  path: string,
  text: string,
  files: readonly string[],
  modules: { folder: string; module: string }[] = [],
) {
  return importedFiles([{ path, lines: text.split('\n') }], {
    has: (one) => files.includes(one),
    named: (name) => files.filter((file) => file === name || file.endsWith(`/${name}`)),
    inFolder: (folder) => files.filter((file) => file.startsWith(folder) && !file.slice(folder.length).includes('/')),
    goModules: modules,
  })
}

test('TypeScript and JavaScript: relative paths, with and without an ending, indexes, aliases and what is built', () => {
  const text = `import { a } from './a'
import type { B } from "../lib/b.ts"
export * from './c/index.js'
const d = require('./d')
const e = await import('@/e')
import './styles.css'
import { z } from 'zod'
import up from '../../../outside'`
  const files = [
    'src/app/a.tsx',
    'src/lib/b.ts',
    'src/app/c/index.ts',
    'src/app/d/index.js',
    'src/e.vue',
    'src/app/styles.css',
    'zod.ts',
    'outside.ts',
  ]
  assert.deepEqual(imported('src/app/main.ts', text, files).toSorted(), [
    'src/app/a.tsx',
    'src/app/c/index.ts',
    'src/app/d/index.js',
    'src/app/styles.css',
    'src/e.vue',
    'src/lib/b.ts',
  ])
})

test('Python: modules from the top, below src, relative ones, and names that are modules', () => {
  const text = `from shop.prices import total, tax
import shop.orders as orders, os
from . import local
from ..base.core import Thing
from .sub import deep
`
  const files = [
    'shop/prices.py',
    'src/shop/orders.py',
    'app/pkg/local.py',
    'app/base/core/__init__.py',
    'app/pkg/sub/deep.py',
    'app/pkg/sub/__init__.py',
  ]
  assert.deepEqual(imported('app/pkg/main.py', text, files).toSorted(), files.toSorted())
})

test('Go: packages of the own module, without their tests', () => {
  const text = `package main
import (
\t"fmt"
\tp "example.com/shop/prices"
\t"example.com/shopping/other"
)`
  const files = ['prices/prices.go', 'prices/prices_test.go', 'prices/deep/more.go', 'other/other.go']
  assert.deepEqual(imported('main.go', text, files, [{ folder: '', module: 'example.com/shop' }]), ['prices/prices.go'])
})

test('Rust: modules that are declared, and paths from the crate, the module and the one above', () => {
  const text = `mod local;
pub(crate) mod folder;
use crate::shop::prices::Total;
use super::base::Thing;
use std::fmt;`
  const files = ['src/app/local.rs', 'src/app/folder/mod.rs', 'src/shop/prices.rs', 'src/base.rs', 'std.rs']
  assert.deepEqual(imported('src/app.rs', text, files).toSorted(), files.slice(0, 4).toSorted())
})

test('Java: types by their package, static members too', () => {
  const text = `import java.util.List;
import com.shop.Prices;
import static com.shop.Tax.rate;
import com.shop.deep.*;`
  const files = ['src/main/java/com/shop/Prices.java', 'src/main/java/com/shop/Tax.java', 'other/Prices.java']
  assert.deepEqual(imported('src/main/java/com/app/App.java', text, files).toSorted(), files.slice(0, 2).toSorted())
})

test('what is imported most often comes first, then what is nearest, and never a file that imports', () => {
  const lines = (text: string) => text.split('\n')
  const importers = [
    {
      path: 'a/one.ts',
      lines: lines("import '../far/often'\nimport './near'\nimport './two'\nimport '../far/seldom'"),
    },
    { path: 'a/two.ts', lines: lines("import '../far/often'") },
  ]
  const files = ['a/one.ts', 'a/two.ts', 'a/near.ts', 'far/often.ts', 'far/seldom.ts']
  const known = { has: (path: string) => files.includes(path), named: () => [], inFolder: () => [], goModules: [] }
  assert.deepEqual(importedFiles(importers, known), ['far/often.ts', 'a/near.ts', 'far/seldom.ts'])
})
