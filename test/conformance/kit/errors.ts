import { EngineError, type ErrorCode } from 'gantry'
import { expect } from 'vitest'

/** What a promise rejects with. Fails when it resolves. */
export async function rejection(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('It resolved, and should have been rejected')
}

/** Expect an EngineError with this code (one of these) and a message that matches; gives the error. */
export async function expectError(
  promise: PromiseLike<unknown>,
  code: ErrorCode | readonly ErrorCode[],
  message?: RegExp
): Promise<EngineError> {
  const error = await rejection(promise)
  if (!EngineError.is(error)) throw new Error('It was rejected, but not with an EngineError', { cause: error })
  expect([code].flat(), error.message).toContain(error.code)
  if (message) expect(error.message).toMatch(message)
  return error
}
