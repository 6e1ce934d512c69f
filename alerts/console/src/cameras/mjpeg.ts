/** What a detector saw in a picture; `xyxyn` are 0-1 of it. */
export interface Seen {
  label: string
  confidence: number
  xyxyn: [number, number, number, number]
}

export interface Picture {
  jpeg: Uint8Array<ArrayBuffer>
  capturedAt: string
  /** undefined where detectors have said nothing of it. */
  objects?: Seen[]
}

const END_OF_HEAD = '\r\n\r\n'
const text = new TextDecoder()

/** Takes a Motion JPEG stream apart: pieces of any length in, whole pictures out. */
export class Parts {
  private rest = new Uint8Array()

  take(piece: Uint8Array): Picture[] {
    const joined = new Uint8Array(this.rest.length + piece.length)
    joined.set(this.rest)
    joined.set(piece, this.rest.length)
    this.rest = joined
    const pictures: Picture[] = []
    for (let picture = this.next(); picture; picture = this.next()) pictures.push(picture)
    return pictures
  }

  private next(): Picture | undefined {
    const head = text.decode(this.rest.subarray(0, 64 * 1024))
    const end = head.indexOf(END_OF_HEAD)
    if (end < 0) return undefined
    const named = new Map<string, string>()
    for (const line of head.slice(0, end).split('\r\n')) {
      const colon = line.indexOf(': ')
      if (colon > 0) named.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 2))
    }
    const begins = end + END_OF_HEAD.length
    const length = Number(named.get('content-length'))
    if (this.rest.length < begins + length) return undefined
    const jpeg = this.rest.slice(begins, begins + length)
    this.rest = this.rest.slice(begins + length)
    const objects = named.get('x-objects')
    return { jpeg, capturedAt: named.get('x-captured-at') ?? '', objects: objects ? (JSON.parse(objects) as Seen[]) : undefined }
  }
}
