import { closeFrame, textFrame, type WireFrame } from './websocket-frames.js'

export type Side = 'client' | 'relay'

/** What is done to a frame. A delay either holds up what comes behind the frame, or lets it overtake. */
export type Treatment =
  | { readonly do: 'pass' }
  | { readonly do: 'suppress' }
  | { readonly do: 'delay'; readonly by: number; readonly keepsOrder: boolean }
  | { readonly do: 'duplicate'; readonly copies?: number; readonly after?: number }
  | { readonly do: 'replace'; readonly text: string }
  | { readonly do: 'close'; readonly code: number; readonly reason?: string }

export interface FrameRule {
  /** Who sends the frames. */
  readonly from: Side
  readonly type: string
  /** Chooses for each frame of the type; `count` is its number on this proxy, from 1, and `text` the whole frame. */
  readonly treat: (count: number, text: string) => Treatment
}

/** Where a treated frame goes. */
interface Outlet {
  push(bytes: Buffer, delay?: number): void
  pushAstray(bytes: Buffer, delay: number): void
  /** The frame goes to the client as the last one, and both sides are closed. */
  closeWith(frame: Buffer): void
}

export interface FrameRules {
  apply(from: Side, frame: WireFrame, outlet: Outlet): void
  /** How many frames each treatment met. */
  readonly counts: ReadonlyMap<Treatment['do'], number>
}

/** Applies the first rule that fits; what no rule names passes as it is. */
export function createFrameRules(rules: readonly FrameRule[]): FrameRules {
  const seen = new Map<FrameRule, number>()
  const counts = new Map<Treatment['do'], number>()

  function choose(from: Side, text: string): Treatment {
    const type = typeOf(text)
    const rule = rules.find((rule) => rule.from === from && rule.type === type)
    if (!rule) return { do: 'pass' }
    const count = (seen.get(rule) ?? 0) + 1
    seen.set(rule, count)
    const treatment = rule.treat(count, text)
    counts.set(treatment.do, (counts.get(treatment.do) ?? 0) + 1)
    return treatment
  }

  return {
    counts,
    apply(from, { bytes, text }, outlet) {
      if (text === undefined) return outlet.push(bytes)
      const treatment = choose(from, text)
      switch (treatment.do) {
        case 'pass':
          return outlet.push(bytes)
        case 'suppress':
          return
        case 'delay':
          return treatment.keepsOrder ? outlet.push(bytes, treatment.by) : outlet.pushAstray(bytes, treatment.by)
        case 'duplicate':
          outlet.push(bytes)
          for (let copy = 0; copy < (treatment.copies ?? 1); copy += 1) {
            if (treatment.after === undefined) outlet.push(bytes)
            else outlet.pushAstray(bytes, treatment.after)
          }
          return
        case 'replace':
          return outlet.push(textFrame(treatment.text, from === 'client'))
        case 'close':
          return outlet.closeWith(closeFrame(treatment.code, treatment.reason ?? '', false))
      }
    },
  }
}

function typeOf(text: string): string | undefined {
  try {
    const frame: unknown = JSON.parse(text)
    return typeof frame === 'object' && frame !== null && 'type' in frame ? String(frame.type) : undefined
  } catch {
    return undefined
  }
}
