import type { BacktestOrder, RuleStanza, Stanza } from '@/api/client'
import type { Drawing } from '@/stores/configuration'

type Proposal = NonNullable<BacktestOrder['proposal']>

const named = (stanza: Stanza, key: string): string[] => (Array.isArray(stanza[key]) ? (stanza[key] as string[]) : [])
const enabled = ({ stanza }: RuleStanza) => stanza.enabled !== false

/** The rules that look at a zone or line of a camera. */
export const rulesOf = (rules: readonly RuleStanza[], camera: string, kind: Drawing, id: string): RuleStanza[] =>
  rules.filter((rule) => enabled(rule) && named(rule.stanza, 'cameras').includes(camera) && named(rule.stanza, kind).includes(id))

/** The rules that look at zones, or at lines. */
export const triable = (rules: readonly RuleStanza[], kind: Drawing): RuleStanza[] =>
  rules.filter((rule) => enabled(rule) && named(rule.stanza, kind).length > 0)

/** What is to be tried: the drawing, and with a rule that does not know it yet, that rule looking at nothing else. */
export function proposed(drawn: { camera: string; kind: Drawing; id: string; stanza: Stanza }, rule?: RuleStanza): Proposal {
  const { camera, kind, id, stanza } = drawn
  const proposal: Proposal = { zones: {}, lines: {}, rules: {} }
  proposal[kind] = { [camera]: { [id]: stanza } }
  if (rule) {
    const { match: _, ...rest } = rule.stanza
    proposal.rules = { [rule.rule.id]: { ...rest, cameras: [camera], [kind]: [id] } }
  }
  return proposal
}
