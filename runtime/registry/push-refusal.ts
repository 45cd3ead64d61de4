import { familiar, familiarName } from './reference.js'
import type { Evidence, Verdict } from './refusal.js'

/** What a refusal means that only a push can meet, in dockerd's words where it has any. Undefined for what a pull may meet as well. */
export function pushRefusal(status: number, denied: boolean, { registryCode, explanation, context }: Evidence): Verdict | undefined {
  const { reference, host, wanted } = context
  const answered = `registry ${host} answered ${status}${explanation === '' ? '' : ` (${explanation})`}`
  const name = familiarName(reference)
  if (denied || status === 403) {
    const said = explanation === '' ? 'denied: requested access to the resource is denied' : explanation
    return { code: 'permission_denied', message: `cannot push ${name}: ${said}; ${advice(context.authenticated, reference.domain)}` }
  }
  if (status === 401) {
    const said = explanation === '' ? 'unauthorized: authentication required' : explanation
    return { code: 'unauthenticated', message: `cannot push ${name}: ${said}; ${advice(context.authenticated, reference.domain)}` }
  }
  if (registryCode === 'DIGEST_INVALID') {
    return {
      code: 'data_loss',
      message: `cannot push ${familiar(reference)}: ${answered}; what is stored here is damaged, or was changed on its way`
    }
  }
  if (registryCode === 'MANIFEST_BLOB_UNKNOWN') {
    return { code: 'conflict', message: `cannot push ${familiar(reference)}: ${answered}; a blob that was there is gone: push again` }
  }
  if (status === 405 || registryCode === 'UNSUPPORTED') {
    return { code: 'not_supported', message: `cannot push ${familiar(reference)}: ${answered}; it does not take pushes (is it a mirror?)` }
  }
  if (status === 413)
    return { code: 'resource_exhausted', message: `cannot push ${familiar(reference)}: ${answered}; that is too large for it` }
  if (wanted === 'upload' && status === 404) {
    return {
      code: 'not_found',
      message: `cannot push ${familiar(reference)}: ${answered}; the repository or the upload is not known there`
    }
  }
  return undefined
}

function advice(authenticated: boolean, domain: string): string {
  return authenticated
    ? `check the spelling, and that the given credentials for ${domain} may write it`
    : `check the spelling, or give credentials for ${domain}`
}
