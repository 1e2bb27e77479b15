export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Parses lines of the form NAME=value, as systemd's EnvironmentFile does for the usual forms: a `#` begins a comment
 * only at the start of a line, and quotes around a value are removed.
 */
export function parseEnvFile(text: string): Environment {
  const entries = text.split('\n').flatMap((line) => {
    const [, name = '', value = ''] = /^\s*(?:export\s+)?(\w+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    return name === '' ? [] : [[name, unquote(value)]]
  })
  return Object.fromEntries(entries) as Environment
}

/**
 * Returns the variables that have a value and do not come from the file. systemd, PM2 and Docker put the file's variables into the
 * environment, where they would outlive a change of the file.
 */
export function withoutFile(environment: Environment, file: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([name, value]) => value !== '' && file[name] !== value))
}

function unquote(value: string): string {
  return /^(["'])(.*)\1$/.exec(value)?.[2] ?? value
}
