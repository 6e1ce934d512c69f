import type { components } from '@/api/schema'

type Schemas = components['schemas']
type Received<T> = T extends (infer E)[] ? Received<E>[] : T extends object ? { [K in keyof T]: Received<T[K]> } : T

export type GuestCamera = Received<Schemas['GuestCamera']>
export type GuestList = Received<Schemas['GuestList']>
export type Invitee = Received<Schemas['Invitee']>
export type GuestInvitation = Schemas['Invitation']
export type Look = Schemas['Look']
export type Owner = Received<Schemas['Owner']>
export type Corner = [number, number]

/** What stands behind the # of the page: a browser never sends it to a server by itself. */
export const secretOfPage = () => location.hash.slice(1)

/** The header that says who asks, without a login. */
export const bearer = (secret: string) => ({ params: { header: { Authorization: `Bearer ${secret}` } } })

/** The whole address of a link that the server gave. */
export const whole = (link: string) => `${location.origin}${link}`
