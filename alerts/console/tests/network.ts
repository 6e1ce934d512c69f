/** Stands in for the network. To be imported before anything of the console: its client takes hold of `fetch` when it is made. */
type Answer = { status?: number; body: unknown }

let respond = async (_request: Request): Promise<Response> => Response.error()

// Outside a browser a Request needs a whole address.
const NativeRequest = globalThis.Request
globalThis.fetch = (request) => respond(request as Request)
globalThis.Request = class extends NativeRequest {
  constructor(input: RequestInfo | URL, init?: RequestInit) {
    super(new URL(input as string, 'http://console.test'), init)
  }
}

/** Answers requests by what their address contains, and records them. */
export function serve(routes: Record<string, Answer | (() => Answer)>): string[] {
  const asked: string[] = []
  respond = async (request) => {
    asked.push(`${request.method} ${new URL(request.url).pathname}${new URL(request.url).search}`)
    const found = Object.entries(routes).find(([part]) => request.url.includes(part))
    if (!found) throw new TypeError('network')
    const answer = typeof found[1] === 'function' ? found[1]() : found[1]
    return Response.json(answer.body, { status: answer.status ?? 200 })
  }
  return asked
}
