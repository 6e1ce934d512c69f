import type { Severity } from '@/api/client'

interface Told {
  /** What it is about: of the same the newest stands. */
  tag: string
  title: string
  body: string
  severity: Severity
  open(): void
}

export type Permission = 'default' | 'granted' | 'denied' | 'unsupported' | 'insecure'

/** Browsers let only pages that came over HTTPS, or from this computer, tell anything. */
export function permission(): Permission {
  if (!window.isSecureContext) return 'insecure'
  return 'Notification' in window ? Notification.permission : 'unsupported'
}

/** To be called from a click or a key. */
export async function askPermission(): Promise<Permission> {
  return permission() === 'default' ? Notification.requestPermission() : permission()
}

/** Tells in the browser's own window, while nobody looks at this page; one of the most severe stays until it is closed. */
export function tell({ tag, title, body, severity, open }: Told): void {
  if (permission() !== 'granted' || (document.visibilityState === 'visible' && document.hasFocus())) return
  const shown = new Notification(title, { tag, body, requireInteraction: severity === 'critical', silent: true })
  shown.addEventListener('click', () => {
    window.focus()
    open()
    shown.close()
  })
}
