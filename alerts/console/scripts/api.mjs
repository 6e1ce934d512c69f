// Writes openapi.json from the Python source, and the client's types from it.
import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { generate } from './types.mjs'

const console_ = new URL('..', import.meta.url)
const root = new URL('../..', console_)
const venv = new URL('.venv/bin/python', root)
const python = process.env.PYTHON ?? (existsSync(venv) ? fileURLToPath(venv) : 'python3')

const document = execFileSync(python, ['-m', 'alerts.api.schema'], { cwd: fileURLToPath(root), encoding: 'utf8' })
writeFileSync(new URL('openapi.json', console_), document)
writeFileSync(new URL('src/api/schema.d.ts', console_), await generate(JSON.parse(document)))
