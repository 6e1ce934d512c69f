import { api, type Handover, type HandoverDetail, type Standing, unwrap } from '@/api/client'

export const readHandovers = (): Promise<Handover[]> => unwrap(api.GET('/api/handovers'))

export const readHandover = (id: string): Promise<HandoverDetail> =>
  unwrap(api.GET('/api/handovers/{handover_id}', { params: { path: { handover_id: id } } }))

export const readStanding = (): Promise<Standing> => unwrap(api.GET('/api/handovers/standing'))

export const offer = (taker: string, note: string): Promise<HandoverDetail> =>
  unwrap(api.POST('/api/handovers', { body: { taker, note } }))

export const answer = (id: string, what: 'take' | 'withdraw', note: string): Promise<HandoverDetail> =>
  unwrap(api.POST(`/api/handovers/{handover_id}/${what}`, { params: { path: { handover_id: id } }, body: { note } }))
