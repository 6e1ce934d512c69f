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
export type BacktestOrder = Schemas['BacktestOrder']
export type Words = Schemas['Words']
export type Export = Schemas['Export']
export type Evidence = Schemas['Evidence']
export type Heartbeat = Schemas['Heartbeat']
export type LoggedIn = Schemas['LoggedIn']
export type Person = Schemas['PersonView']
export type Photo = Schemas['Photo']
export type MapSpeaker = SiteMap['speakers'][number]
export type MapTiles = NonNullable<SiteMap['tiles']>
export type Place = Schemas['Place']
export type Placing = Schemas['Placing']
export type Plan = NonNullable<SiteMap['plan']>
export type SiteMap = Received<Schemas['SiteMap']>
export type Profile = ProfileState['profiles'][number]
export type ProfileState = Received<Schemas['ProfileState']>
export type NoticeStatus = Schemas['NoticeStatus']
export type BeginVoice = Schemas['BeginVoice']
export type Call = Received<Schemas['CallView']>
export type MakeCall = Schemas['MakeCall']
export type SpeakerGroup = Received<Schemas['SpeakerGroup']>
export type SpeakersState = Received<Schemas['SpeakersState']>
export type SpeakerState = SpeakersState['speakers'][number]
export type SpeechLine = Schemas['SpeechLine']
export type Standstill = Schemas['Standstill']
export type VoiceBegun = Received<Schemas['VoiceBegun']>
export type Suppression = Received<Schemas['SuppressionView']>
export type Say = Received<Schemas['SayDismissal'] | Schemas['SayPermit'] | Schemas['SaySilence'] | Schemas['SayMaintenance']>
export type Quiet = Schemas['QuietView']
export type SayQuiet = Schemas['SayQuiet']
export type SoundTest = Schemas['SoundTest']
export type Handover = Received<Schemas['Handover']>
export type HandoverDetail = Received<Schemas['HandoverDetail']>
export type Standing = Received<Schemas['Standing']>
export type Receiver = Schemas['ReceiverView']
export type DrawnStanza = Schemas['DrawnStanza']
export type RuleStanza = Schemas['RuleStanza']
export type RuleForms = Received<Schemas['RuleForms']>
export type Choices = RuleForms['choices']
export type FormField = Received<Schemas['Field']>
export type KeyProblem = Schemas['KeyProblem']
export type RuleVersion = Schemas['RuleVersion']
export type Week = Received<Schemas['Week']>
export type Backtest = Received<Schemas['Backtest']>
export type BacktestHit = NonNullable<Backtest['result']>['hits'][number]
export type PlatePage = Received<Schemas['PlatePage']>
export type PlateEntry = PlatePage['entries'][number]
export type PlateHits = Received<Schemas['PlateHits']>
export type PlateImport = Received<Schemas['PlateImport']>
export type Proposal = Required<Schemas['Proposal']>
export type SettingsState = Schemas['SettingsState']
export type SpokenLine = Schemas['SpokenLine']
export type Stanza = RuleStanza['stanza']
export type Version = Schemas['Version']
export type VersionDetail = Schemas['VersionDetail']
export type WantedVehicle = Schemas['WantedVehicle']
export type Trial = Received<Schemas['TrialView']>
export type WalkTest = Received<Schemas['WalkTest']>
export type StartWalk = Schemas['StartWalk']
export type Audibility = Received<Schemas['AudibilityTest']>
export type SayHeard = Schemas['SayHeard']
export type Coverage = Received<Schemas['Coverage']>
export type CoveredZone = Coverage['zones'][number]
export type Severity = Incident['severity']
export type Statistics = Received<Schemas['StatisticsView']>
export type Tally = Schemas['Tally']
export type State = Schemas['State']
export type Action = Incident['actions'][number]

/** What the server refused, or `unreachable`: nothing came back at all. */
export class ApiProblem extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    readonly retryAfterS: number,
    readonly detail = '',
  ) {
    super(code)
  }
}

// A browser sends this header to another origin only with that origin's consent, so no other page can forge it.
export const api = createClient<paths>({ baseUrl: '/', headers: { 'X-Requested-With': 'lianfang' } })

/** A file as the body of a request, as it is. */
export const rawBody = (file: File) => ({
  body: file as unknown as string,
  bodySerializer: (body: string) => body,
  headers: { 'Content-Type': file.type || 'application/octet-stream' },
})

interface Answer<T> {
  data?: T
  error?: unknown
  response: Response
}

/** Returns the data of an answer; throws ApiProblem for everything else. */
export async function unwrap<T>(request: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>
  try {
    answer = await request
  } catch {
    throw new ApiProblem('unreachable', 0, 0)
  }
  const { data, error, response } = answer
  if (!response.ok) {
    const { code, detail } = (error ?? {}) as { code?: string; detail?: string }
    const retryAfterS = Number(response.headers.get('Retry-After') ?? 0)
    throw new ApiProblem(code ?? `http_${response.status}`, response.status, retryAfterS, detail)
  }
  return data as T
}
