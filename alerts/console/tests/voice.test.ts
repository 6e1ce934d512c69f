import { describe, expect, it, vi } from 'vitest'

import { VoiceUpload } from '@/live/voice'

const samples = (...values: number[]) => new Int16Array(values)
const none = () => Promise.resolve()

describe('a voice', () => {
  it('is sent in order, all that has come meanwhile at once', async () => {
    const sent: [number, number[]][] = []
    let answer = () => undefined as void
    const upload = new VoiceUpload((at, data) => {
      sent.push([at, [...new Int16Array(data.buffer)]])
      return new Promise<void>((done) => (answer = done))
    })
    upload.push(samples(1, 2))
    upload.push(samples(3))
    upload.push(samples(4))
    await vi.waitFor(() => expect(sent).toHaveLength(1))
    answer()
    await vi.waitFor(() => expect(sent).toHaveLength(2))
    answer()
    await upload.finish()
    expect(sent).toEqual([
      [0, [1, 2]],
      [4, [3, 4]],
    ])
  })

  it('is sent again after a fault of the network, from where it was', async () => {
    const sent: number[] = []
    const upload = new VoiceUpload(
      (at) => {
        sent.push(at)
        return sent.length < 3 ? Promise.reject(new Error('lost')) : Promise.resolve()
      },
      undefined,
      none,
    )
    upload.push(samples(1))
    await upload.finish()
    expect(sent).toEqual([0, 0, 0])
  })

  it.each([
    ['refused', { status: 409 }, 1],
    ['out of reach', { status: 0 }, 4],
  ])('that is %s ends', async (_, fault, tries) => {
    const failed = vi.fn()
    const post = vi.fn(() => Promise.reject(Object.assign(new Error('no'), fault)))
    const upload = new VoiceUpload(post, failed, none)
    upload.push(samples(1))
    await expect(upload.finish()).rejects.toThrow('no')
    upload.push(samples(2))
    expect(post).toHaveBeenCalledTimes(tries)
    expect(failed).toHaveBeenCalledOnce()
  })

  it('is cut into requests that the server takes', async () => {
    const sizes: number[] = []
    let go = () => undefined as void
    const upload = new VoiceUpload((_, data) => {
      sizes.push(data.length)
      return sizes.length > 1 ? Promise.resolve() : new Promise<void>((done) => (go = done))
    })
    for (let n = 0; n < 41; n += 1) upload.push(new Int16Array(2048))
    await vi.waitFor(() => expect(sizes).toHaveLength(1))
    go()
    await upload.finish()
    expect(Math.max(...sizes)).toBeLessThan(64 * 1024)
    expect(sizes.reduce((sum, size) => sum + size)).toBe(41 * 4096)
  })
})
