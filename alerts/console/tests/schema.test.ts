import { readFileSync } from 'node:fs'

import { expect, it } from 'vitest'

import { generate } from '../scripts/types.mjs'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

it('the client is the one that the committed document makes: else run `npm run api`', async () => {
  const document: unknown = JSON.parse(read('../openapi.json'))
  expect(await generate(document)).toBe(read('../src/api/schema.d.ts'))
})
