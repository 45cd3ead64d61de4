import { randomInt } from 'node:crypto'
import { EngineError } from '../../src/errors/index.js'

const adjectives = words(`
  able agile amber ample apt ardent artful avid balanced blissful bold brave breezy bright brisk calm candid careful charming cheerful
  civil clever coastal cosy crisp curious daring dazzling deft eager earnest easy elated elegant epic exact fair faithful fearless
  festive firm flying fond frank friendly gallant gentle gifted glad golden graceful grateful happy hardy hearty honest hopeful humble
  inspired jolly jovial keen kind laughing lively loving loyal lucid lucky merry mindful modest musing mystic neat nimble noble open
  patient peaceful pensive placid polite practical precise proud quick quiet quirky radiant ready relaxed serene sharp silent sincere
  sleepy smart spirited stable steady stoic sunny sweet swift tender thoughtful tidy tranquil trusting upbeat vibrant vigilant vivid warm
  watchful wise witty wonderful zealous zen
`)

const surnames = words(`
  abel agnesi allen almeida ampere archimedes babbage banach banzai bardeen bartik bassi becquerel bell bernoulli bhabha blackwell bohr
  boltzmann boole bose boyd brahmagupta brattain brown cantor cartwright cauchy cavendish chandrasekhar chatelet church colden cori
  cray curie darwin davinci dijkstra dirac easley edison einstein elion engelbart euclid euler faraday fermat fermi feynman fourier
  franklin galileo galois gates gauss germain goldberg goodall hamilton hawking heisenberg hellman hermann herschel hertz hilbert hodgkin
  hopper hypatia jackson jemison jepsen johnson joliot kalam kapitsa keldysh keller kepler khayyam khorana kilby kirch knuth kovalevskaya
  lagrange lalande lamarr lamport laplace leakey leavitt leibniz lewin lichterman liskov lovelace lumiere mahavira maxwell mayer mccarthy
  mcclintock meitner mendel mendeleev mirzakhani moore morse moser napier nash neumann newton nightingale nobel noether noyce panini
  pascal pasteur payne perlman planck poincare poitras raman ramanujan ride ritchie robinson roentgen rosalind rubin saha sammet shannon
  shaw shockley sinoussi snyder stallman stonebraker swanson swartz swirles tesla thompson torvalds turing varahamihira villani volhard
  wescoff wiles williams wilson wing wozniak wright yalow yonath zhukovsky
`)

/** A name in Docker's shape, `adjective_surname`; with `attempt` above 0 a digit makes room where names are taken. */
export function generateName(attempt = 0): string {
  const name = `${pick(adjectives)}_${pick(surnames)}`
  return attempt === 0 ? name : `${name}${randomInt(10 ** Math.min(attempt, 6))}`
}

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/

/**
 * Docker's rule for container names. A leading slash is dropped, as Docker does.
 *
 * @throws EngineError `invalid_argument`
 */
export function checkName(given: string): string {
  const name = given.startsWith('/') ? given.slice(1) : given
  if (namePattern.test(name)) return name
  throw new EngineError('invalid_argument', `Invalid container name (${given}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`, {
    details: { name: given }
  })
}

function pick(list: readonly string[]): string {
  const word = list[randomInt(list.length)]
  if (word === undefined) throw new EngineError('internal', 'the list of names is empty')
  return word
}

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/)
}
