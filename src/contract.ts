import { SignalError } from './errors.js'
import { badOption, checkName } from './options.js'

/**
 * The part of Standard Schema v1 (https://standardschema.dev) that is used here; zod, valibot, arktype and others have it.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

type SchemaResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] }

interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

type Schemas = Readonly<Record<string, StandardSchema>>
type TypesOf<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>

/** The data that pages send under a set of schemas. */
export type ContractInput<Names extends Schemas> = { [Name in keyof Names]: TypesOf<Names[Name]>['input'] }
/** The data that receivers get: what the schemas make of it. */
export type ContractOutput<Names extends Schemas> = { [Name in keyof Names]: TypesOf<Names[Name]>['output'] }

/** What `defineSignals` returns; the option `signals` of `createSignalClient` takes it. */
export interface SignalContract<Sent extends object, Received extends object> {
  /** Gives what the schema makes of the data. Throws SignalError `contract`. */
  readonly '~check': (name: string, data: unknown) => unknown
  /** Exists for the compiler only. */
  readonly '~types'?: { readonly sent: Sent; readonly received: Received }
}

/**
 * Names the signals of an application by schemas (Standard Schema: zod, valibot, arktype …), which gives their types and
 * checks data in both directions: sending data that breaks the contract throws, receiving it goes to `onError`, and no
 * handler sees it. A receiver gets what the schema makes of the data (defaults, transformations). Validation must not be
 * asynchronous.
 *
 * @throws SignalError `bad-name` or `bad-option`, at the call.
 * @example
 * const signals = defineSignals({ ReportIncome: z.object({ userId: z.number() }) })
 * const client = createSignalClient({ signals })
 */
export function defineSignals<const Names extends Schemas>(
  schemas: Names,
): SignalContract<ContractInput<Names>, ContractOutput<Names>> {
  // The compiler is not everywhere.
  if (!(schemas as Names | undefined))
    throw badOption('defineSignals() takes schemas by name, like { Saved: z.object(…) }')
  for (const [name, schema] of Object.entries<StandardSchema | undefined>(schemas)) {
    checkName(name)
    if (!schema?.['~standard']) throw badOption(`defineSignals() takes a schema for ${name}, like z.object(…)`)
  }
  return {
    '~check'(name, data) {
      checkName(name)
      const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined
      if (!schema) throw broken(name, 'is not in the contract: add it to defineSignals()')
      const result = validate(schema, name, data)
      if (result instanceof Promise) throw broken(name, 'has a schema that is asynchronous: use one that is not')
      // Not where it is wrong: the keys of a record are data, and so are the issues' own texts.
      if (result.issues) {
        throw broken(name, `breaks its contract (issues in error.cause: ${result.issues.length})`, result.issues)
      }
      return result.value
    },
  }
}

function validate(
  schema: StandardSchema,
  name: string,
  data: unknown,
): ReturnType<StandardSchema['~standard']['validate']> {
  try {
    return schema['~standard'].validate(data)
  } catch (cause) {
    throw broken(name, 'has a schema that threw: see error.cause', cause)
  }
}

function broken(name: string, what: string, cause?: unknown): SignalError {
  return new SignalError('contract', `Signal "${name}" ${what}.`, cause)
}
