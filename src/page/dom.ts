/**
 * Reads a property from the prototype of its owner. HTML that users write can hide members of the document and of forms:
 * `<img name="querySelector">`, `<input name="getAttribute">`.
 *
 * Source: HTML standard, `[LegacyOverrideBuiltIns]` of Document and HTMLFormElement.
 */
export function read<Owner extends object, Name extends keyof Owner>(owner: Owner, name: Name): Owner[Name] {
  return Reflect.get(Object.getPrototypeOf(owner) as object, name, owner) as Owner[Name]
}

/** Calls a method from the prototype of its owner: see `read`. */
export function call<Owner extends object, Name extends keyof Owner>(
  owner: Owner,
  name: Name,
  ...rest: Owner[Name] extends (...args: infer Args) => unknown ? Args : never
): Owner[Name] extends (...args: never[]) => infer Result ? Result : never {
  const { [name]: method } = Object.getPrototypeOf(owner) as { [Key in Name]: (...args: unknown[]) => never }
  return method.apply(owner, rest)
}
