import { afterEach, describe, expect, it, vi } from 'vitest'
import { resolveUrl } from '../../src/connection/url.js'

function onPage(href: string): void {
  vi.stubGlobal('location', new URL(href))
}

afterEach(() => {
  document.head.replaceChildren()
})

describe('the address of the relay', () => {
  it.each([
    ['https://shop.example/a/b', undefined, 'wss://shop.example/signals'],
    ['http://localhost:8080/', undefined, 'ws://localhost:8080/signals'],
    ['https://shop.example/a/b', './live', 'wss://shop.example/a/live'],
    ['https://shop.example/a/b/c', '../live?x=1', 'wss://shop.example/a/live?x=1'],
    ['https://shop.example/', '//relay.example/s', 'wss://relay.example/s'],
    ['https://shop.example/', '', 'wss://shop.example/signals'],
    ['https://shop.example/', ' WSS://relay.example/s ', 'wss://relay.example/s'],
    ['https://shop.example/', 'https://relay.example/s', 'wss://relay.example/s'],
    ['https://shop.example/', 'wss://relay.example/s#fragment', 'wss://relay.example/s'],
    ['https://shop.example/', 'ws://localhost:8081/signals', 'ws://localhost:8081/signals'],
    ['https://shop.example/', 'ws://127.0.0.1:8081/', 'ws://127.0.0.1:8081/'],
    ['http://shop.example/', 'ws://relay.example/', 'ws://relay.example/'],
    ['http://shop.example/a/b', ':8081/signals', 'ws://shop.example:8081/signals'],
    ['https://shop.example:8443/', ':8081/signals', 'wss://shop.example:8081/signals'],
    ['http://[::1]:8080/', ':8081/signals', 'ws://[::1]:8081/signals'],
  ])('on %s, from %s, is %s', (page, option, url) => {
    onPage(page)
    expect(resolveUrl(option)).toBe(url)
  })

  it('needs no URL.canParse(), which browsers of early 2023 lack', () => {
    onPage('https://shop.example/')
    vi.spyOn(URL, 'canParse').mockImplementation(() => {
      throw new Error('There is no such function.')
    })
    expect(resolveUrl('wss://relay.example/s')).toBe('wss://relay.example/s')
    expect(() => resolveUrl('wss://[')).toThrow('The url must begin with')
  })

  it('is in the meta element of the page where no option names it', () => {
    onPage('https://shop.example/')
    document.head.innerHTML = '<meta name="signalpost-url" content="wss://relay.example/x">'
    expect(resolveUrl(undefined)).toBe('wss://relay.example/x')
    expect(resolveUrl('')).toBe('wss://relay.example/x')
    expect(resolveUrl('/own')).toBe('wss://shop.example/own')
  })

  it.each(['', ' '])('is the usual one where the meta element holds %j', (content) => {
    onPage('https://shop.example/')
    document.head.innerHTML = `<meta name="signalpost-url" content="${content}">`
    expect(resolveUrl(undefined)).toBe('wss://shop.example/signals')
  })

  it('says that a scheme is missing', () => {
    onPage('https://shop.example/')
    const message = expect.stringContaining('must begin with wss://') as string
    expect(() => resolveUrl('relay.example.com/signals')).toThrow(expect.objectContaining({ message }))
  })

  it.each([
    ['https://shop.example/', 'ws://relay.example/', 'insecure-url'],
    ['https://shop.example/', 'ws://127.evil.com/', 'insecure-url'],
    ['https://shop.example/', 'not a url', 'bad-url'],
    ['https://shop.example/', 'relay.example.com/signals', 'bad-url'],
    ['https://shop.example/', 'localhost:8081/signals', 'bad-url'],
    ['https://shop.example/', 'https:signals', 'bad-url'],
    ['https://shop.example/', '#', 'bad-url'],
    ['https://shop.example/', '.', 'bad-url'],
    ['https://shop.example/', 'wss://:secret@relay.example/', 'bad-url'],
    ['https://shop.example/', 'ws://localhost.evil.example/', 'insecure-url'],
    ['https://shop.example/', 'http://', 'bad-url'],
    ['https://shop.example/', 'mailto:someone', 'bad-url'],
    ['https://shop.example/', 'wss://me:secret@relay.example/', 'bad-url'],
    ['file:///home/me/page.html', undefined, 'bad-url'],
  ])('on %s is not %s', (page, option, code) => {
    onPage(page)
    expect(() => resolveUrl(option)).toThrow(expect.objectContaining({ code }))
  })

  it('stays relative where there is no page, for nothing connects there', () => {
    vi.stubGlobal('location', undefined)
    expect(resolveUrl(undefined)).toBe('/signals')
    expect(resolveUrl('./live')).toBe('./live')
    expect(resolveUrl('wss://relay.example/')).toBe('wss://relay.example/')
    expect(() => resolveUrl('not a url')).toThrow(expect.objectContaining({ code: 'bad-url' }))
  })
})
