import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'

/** One import in one file: static, type-only, re-export, `import('x').T` in a type, or dynamic. */
export interface Import {
  /** Paths relative to the checkout, of the .ts files. */
  readonly from: string
  readonly to: string
  /** `static`: loaded with the file. `dynamic`: loaded when the line runs. `type`: erased. */
  readonly kind: 'static' | 'dynamic' | 'type'
  readonly line: number
}

/** The .ts files below a folder of the checkout, relative to it. */
export function sourceFiles(root: string, folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => path.relative(root, path.join(entry.parentPath, entry.name)))
}

/** The relative imports of one file. Packages and `node:` modules are not part of the graph. */
export function importsOf(root: string, file: string): Import[] {
  return importsIn(file, readFileSync(path.join(root, file), 'utf8'))
}

/** The same, for a file's text. */
export function importsIn(file: string, text: string): Import[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, false)
  const found: Import[] = []
  const add = (specifier: ts.Node | undefined, kind: Import['kind']) => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier) || !specifier.text.startsWith('.')) return
    const to = path.join(path.dirname(file), specifier.text).replace(/\.js$/, '.ts')
    found.push({ from: file, to, kind, line: source.getLineAndCharacterOfPosition(specifier.pos).line + 1 })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly ? 'type' : 'static')
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly ? 'type' : 'static')
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, 'type')
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], 'dynamic')
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}
