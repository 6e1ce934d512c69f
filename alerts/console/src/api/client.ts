import createClient from 'openapi-fetch'

import type { components, paths } from './schema'

type Schemas = components['schemas']

export type Incident = Schemas['Incident']
// As the client gives it back: tuples come as arrays.
type Received<T> = T extends (infer E)[] ? Received<E>[] : T extends object ? { [K in keyof T]: Received<T[K]> } : T

export type IncidentDetail = Received<Schemas['IncidentDetail']>
export type IncidentPage = Schemas['IncidentPage']
export type IncidentChanged = Schemas['IncidentChanged']
export type AuditEntry = Schemas['AuditEntry']
export type Change = Schemas['Change']
export type Camera = Schemas['Camera']
export type CameraDetails = Schemas['CameraDetails']
export type CameraHistory = Schemas['CameraHistory']
export type CamerasChanged = Schemas['CamerasChanged']
export type Clip = Received<Schemas['Clip']>
export type Community = Schemas['Community']
export type DeadLetter = Schemas['DeadLetter']
export type Delivery = Schemas['Delivery']
