import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { type AttributeNode, baseParse, NodeTypes, type TemplateChildNode } from '@vue/compiler-dom'
import { describe, expect, it } from 'vitest'

import en from '@/locales/en'
import zh from '@/locales/zh'

const SOURCE = fileURLToPath(new URL('../src', import.meta.url))
const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
const components = files.filter((file) => file.endsWith('.vue'))
const scripts = files.filter((file) => /\.(vue|ts)$/.test(file) && !file.endsWith('.d.ts'))

const HAN = /[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]/
/** Attributes that people read or hear. */
const SPOKEN = new Set(['alt', 'aria-label', 'content', 'description', 'label', 'placeholder', 'title'])

function keys(value: unknown, prefix = ''): string[] {
  if (typeof value === 'string') return [prefix]
  return Object.entries(value as object).flatMap(([key, below]) => keys(below, prefix ? `${prefix}.${key}` : key))
}

function texts(value: unknown): string[] {
  return typeof value === 'string' ? [value] : Object.values(value as object).flatMap(texts)
}

/** Returns what a template says without asking for a translation. */
function rawTexts(node: TemplateChildNode): string[] {
  if (node.type === NodeTypes.TEXT) return /\p{Letter}/u.test(node.content) ? [node.content.trim()] : []
  if (node.type !== NodeTypes.ELEMENT) return []
  if (node.tag === 'script' || node.tag === 'style') return []
  const spoken = node.props
    .filter((prop): prop is AttributeNode => prop.type === NodeTypes.ATTRIBUTE && SPOKEN.has(prop.name))
    .map((prop) => prop.value?.content ?? '')
    .filter((text) => /\p{Letter}/u.test(text))
  // A key of the keyboard has the same name in every language.
  const own = node.tag === 'kbd' ? [] : node.children.flatMap(rawTexts)
  return [...spoken, ...own]
}

describe('texts', () => {
  it('stand in both languages under the same keys', () => {
    expect(keys(en)).toEqual(keys(zh))
  })

  it('stand in one file of a language each', () => {
    for (const language of ['zh', 'en']) {
      const folder = `${SOURCE}/locales/${language}`
      const pages = readdirSync(folder).filter((file) => file.endsWith('.json'))
      const topics = pages.flatMap((file) => Object.keys(JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as object))
      expect(topics.toSorted()).toEqual([...new Set(topics)].toSorted())
      expect(Object.keys(language === 'zh' ? zh : en).toSorted()).toEqual(topics.toSorted())
    }
  })

  it('are none of them empty', () => {
    expect([...texts(zh), ...texts(en)].filter((text) => !text.trim())).toEqual([])
  })

  it('take the same parameters in both languages', () => {
    const parameters = (text: string) => [...new Set(text.match(/\{\w+\}/g))].sort()
    const [inZh, inEn] = [texts(zh), texts(en)]
    const differing = inZh.filter((text, i) => parameters(text).join() !== parameters(inEn[i]!).join())
    expect(differing).toEqual([])
  })

  it('for things and devices stand in for texts that there are, with the same parameters', () => {
    const at = (root: unknown, key: string) => key.split('.').reduce<unknown>((o, k) => (o as Record<string, unknown>)?.[k], root)
    const parameters = (text: unknown) => [...new Set(String(text).match(/\{\w+\}/g))].sort().join()
    for (const own of Object.values(zh.about)) {
      expect(keys(own).filter((key) => typeof at(zh, key) !== 'string')).toEqual([])
      expect(keys(own).filter((key) => !parameters(at(zh, key)).includes(parameters(at(own, key))))).toEqual([])
    }
  })

  it('are in the language of their file', () => {
    const { language: toChinese, language_short: short, ...bar } = en.bar
    expect([toChinese, short].every((text) => HAN.test(text))).toBe(true)
    expect(texts({ ...en, bar }).filter((text) => HAN.test(text))).toEqual([])
    expect(texts(zh).filter((text) => !HAN.test(text) && /\p{Letter}/u.test(text.replace(/\{\w+\}/g, '')))).toEqual([
      zh.bar.language,
      zh.bar.language_short,
    ])
  })

  it('never stand in a template', () => {
    expect(components.length).toBeGreaterThan(10)
    const found = components.flatMap((file) =>
      baseParse(readFileSync(`${SOURCE}/${file}`, 'utf8'), { parseMode: 'sfc' })
        .children.flatMap((block) => (block.type === NodeTypes.ELEMENT && block.tag === 'template' ? reparse(block.loc.source) : []))
        .map((text) => `${file}: ${text}`),
    )
    expect(found).toEqual([])
  })

  it('never stand in a script', () => {
    const found = scripts.filter((file) => HAN.test(withoutComments(readFileSync(`${SOURCE}/${file}`, 'utf8'))))
    expect(found).toEqual([])
  })
})

function reparse(source: string): string[] {
  const inner = source.slice(source.indexOf('>') + 1, source.lastIndexOf('</template>'))
  return baseParse(inner, { parseMode: 'html' }).children.flatMap(rawTexts)
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '')
}
