import { expect, it } from 'vitest'

import { Parts } from '@/cameras/mjpeg'

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0))
const part = (jpeg: string, more = '') =>
  `Content-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\nX-Captured-At: 2026-07-01T08:00:00+00:00\r\n${more}\r\n${jpeg}\r\n--picture\r\n`
const OBJECTS = '[{"label": "person", "confidence": 0.9, "xyxyn": [0.1, 0.2, 0.3, 0.4]}]'

it.each([1, 7, 1000])('a stream in pieces of %i bytes gives whole pictures', (size) => {
  // What looks like the end of a head may stand in a picture.
  const stream = bytes(`--picture\r\n${part('\xff\xd8a\r\n\r\nb\xff')}${part('second', `X-Objects: ${OBJECTS}\r\n`)}`)
  const parts = new Parts()
  const found = []
  for (let i = 0; i < stream.length; i += size) found.push(...parts.take(stream.slice(i, i + size)))
  expect(found.map((picture) => String.fromCharCode(...picture.jpeg))).toEqual(['\xff\xd8a\r\n\r\nb\xff', 'second'])
  expect(found.map((picture) => picture.objects)).toEqual([undefined, JSON.parse(OBJECTS)])
  expect(found[1]!.capturedAt).toBe('2026-07-01T08:00:00+00:00')
})
