import { api, type BeginVoice, unwrap, type VoiceBegun } from '@/api/client'

import capture from './capture.worklet.ts?worker&url'
import { VoiceUpload } from './voice'

/** A microphone that is open, and the voice that it sends. */
export class Microphone {
  private constructor(
    readonly voice: VoiceBegun,
    private readonly stream: MediaStream,
    private readonly context: AudioContext,
    private readonly node: AudioWorkletNode,
    private readonly upload: VoiceUpload,
  ) {}

  /** Whether the browser lets this page hear anything: only where the page came over HTTPS, or from here. */
  static get possible(): boolean {
    return 'mediaDevices' in navigator && 'AudioWorkletNode' in window
  }

  /** Opens the microphone and begins a voice; `failed` is called where the server does not take it any more. */
  static async open(where: Omit<BeginVoice, 'rate'>, failed: (error: unknown) => void): Promise<Microphone> {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, noiseSuppression: true } })
    const context = new AudioContext()
    try {
      await context.audioWorklet.addModule(capture)
      const node = new AudioWorkletNode(context, 'capture')
      const voice = await unwrap(api.POST('/api/calls/voice', { body: { ...where, rate: context.sampleRate } }))
      const upload = new VoiceUpload((at, data) => send(voice.id, at, data), failed)
      node.port.onmessage = ({ data }: MessageEvent<Int16Array | null>) => data && upload.push(data)
      context.createMediaStreamSource(stream).connect(node).connect(context.destination)
      return new Microphone(voice, stream, context, node, upload)
    } catch (error) {
      close(stream, context)
      throw error
    }
  }

  /** Closes the microphone and ends the voice; returns how many seconds it was. */
  async end(): Promise<number> {
    await this.rest()
    close(this.stream, this.context)
    await this.upload.finish()
    return (await unwrap(api.POST('/api/calls/{call_id}/end', { params: { path: { call_id: this.voice.id } } }))).seconds
  }

  /** Waits for what the audio thread still has. */
  private rest(): Promise<void> {
    const listen = this.node.port.onmessage
    return new Promise((done) => {
      this.node.port.onmessage = (event) => (event.data === null ? done() : listen?.call(this.node.port, event))
      this.node.port.postMessage('end')
    })
  }
}

function close(stream: MediaStream, context: AudioContext): void {
  stream.getTracks().forEach((track) => track.stop())
  void context.close()
}

async function send(call: string, at: number, data: Uint8Array): Promise<void> {
  const params = { path: { call_id: call }, query: { at } }
  const raw = {
    body: data as unknown as string,
    bodySerializer: (body: string) => body,
    headers: { 'Content-Type': 'application/octet-stream' },
  }
  await unwrap(api.POST('/api/calls/{call_id}/sound', { params, ...raw }))
}
