export function generate(document: unknown): Promise<string>
