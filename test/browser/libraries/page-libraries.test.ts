import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { headingsOf, textsUnder } from '../../package/blocks.js'
import { describeInChromium, useTabs } from '../chromium.js'
import { describeWhere } from '../installed.js'
import { GUIDE, isInstalled, useGuideSite } from './guide-site.js'

const describeInstalled = describeWhere(
  isInstalled,
  'The libraries of pages are missing: run npm ci --prefix test/browser/libraries.',
)

const JQUERY = 'jquery/dist/jquery.min.js'
const RUN = '<p class="run">$run</p>'

describeInstalled('the libraries that pages have', () => {
  describeInChromium('by the recipes of the guide', () => {
    const tabs = useTabs()
    const site = useGuideSite(tabs)

    const textOf = (page: Page, selector: string): Promise<string | null> => page.locator(selector).textContent()

    it.each(['htmx.org', 'htmx4'])('%s fetches a part when the signal comes', async (name) => {
      const page = await site.open({
        heading: 'htmx',
        files: [`${name}/dist/htmx.min.js`],
        answers: { '/report': RUN },
      })
      await site.signal(page)
      await site.signal(page)
      expect(tabs.complaints).toEqual([])
    })

    it.each(['htmx.org', 'htmx4'])('%s works in a part that signalpost has refreshed', async (name) => {
      const page = await site.open({
        heading: 'htmx',
        index: 1,
        files: [`${name}/dist/htmx.min.js`],
        answers: { '/details': 'Details of $run' },
      })
      await site.signal(page)
      await page.getByRole('button').click()
      await page.getByText('Details of 2').waitFor()
      expect(tabs.complaints).toEqual([])
    })

    it.each([
      ['htmx.org', 2],
      ['htmx4', 3],
    ])('%s sends a signal after the server has saved, and none where it has not', async (name, index) => {
      const page = await site.open({
        heading: 'htmx',
        index,
        files: [`${name}/dist/htmx.min.js`],
        answers: { '/save': '<button>Saved $run</button>' },
      })
      site.postStatus = 422
      await page.getByRole('button').click()
      await expect.poll(() => site.posts).toEqual(['/save'])
      site.postStatus = 200
      await page.getByRole('button').click()
      await expect.poll(() => site.sent()).toEqual(['ReportIncome'])
      expect(site.posts).toEqual(['/save', '/save'])
    })

    const TURBO = ['@hotwired/turbo/dist/turbo.es2017-umd.js']

    it('Turbo refreshes the page by morphing', async () => {
      const page = await site.open({
        heading: 'Turbo',
        files: TURBO,
        around: `$recipe<body style="min-height: 5000px">${RUN}<input id="note"><details><summary>More</summary></details>`,
      })
      await page.locator('#note').focus()
      await page.evaluate(`scrollTo(0, 700), document.querySelector('#note').isSame = true`)
      await site.signal(page)
      await site.signal(page)
      expect(await page.evaluate(`[scrollY, document.activeElement.isSame]`)).toEqual([700, true])
      expect(tabs.complaints).toEqual([])
    })

    it('a frame of Turbo is refreshed by the address that its links have led it to', async () => {
      const frame = (text: string): string => `<turbo-frame id="report">${text}${RUN}<input></turbo-frame>`
      const page = await site.open({
        heading: 'Turbo',
        index: 1,
        files: TURBO,
        answers: { '/report': frame('<a href="/page-2">Next</a>'), '/page-2': frame('Page 2 ') },
      })
      await page.getByRole('link').click()
      await page.getByText('Page 2').waitFor()
      await site.signal(page)
      await site.signal(page)
      expect(await textOf(page, '#report')).toBe('Page 2 3')
      await page.locator('input').fill('typed')
      await site.send()
      await page.getByText('would discard').waitFor()
      await page.getByRole('button').click()
      await page.locator('.run', { hasText: '4' }).waitFor()
      expect(tabs.complaints).toEqual([])
    })

    it('Turbo sends a signal after the server has saved, and none where it has not', async () => {
      const form = textsUnder(GUIDE, 'Turbo', 'html')[2]?.split('</script>')[1] ?? ''
      const answers = { '/save': `Wrong ${form}` }
      const page = await site.open({ heading: 'Turbo', index: 2, files: TURBO, answers })
      site.postStatus = 422
      await page.getByRole('button').click()
      await page.getByText('Wrong').waitFor()
      site.postStatus = 303
      await page.getByRole('button').click()
      await expect.poll(() => site.sent()).toEqual(['ReportIncome'])
      expect(site.posts).toEqual(['/save', '/save'])
    })

    it('Alpine loads its data again, by the name of the signal in an attribute', async () => {
      const page = await site.open({
        heading: 'Alpine',
        files: ['alpinejs/dist/cdn.min.js'],
        answers: { '/total': '$run' },
        // HTML makes the name lower-case, so authors may write it as it is.
        fill: { '@signal:reportincome': '@signal:ReportIncome', '<output ': '<output class="run" ' },
      })
      await site.signal(page)
      await site.signal(page)
      expect(tabs.complaints).toEqual([])
    })

    it('Alpine starts on the elements of a refreshed part, and keeps its data around it', async () => {
      const page = await site.open({
        heading: 'Alpine',
        index: 1,
        files: ['alpinejs/dist/cdn.min.js'],
      })
      await page.getByRole('button').click()
      await page.locator('[name=note]').fill('typed')
      await site.signal(page)
      expect(await textOf(page, '#order b')).toBe('typed')
      expect(await page.locator('[name=note]').inputValue()).toBe('typed')
      await page.locator('[name=note]').fill('typed again')
      expect(await textOf(page, '#order b')).toBe('typed again')
      expect(tabs.complaints).toEqual([])
    })

    it('Stimulus calls the action of a controller', async () => {
      const page = await site.open({
        heading: 'Stimulus',
        files: ['@hotwired/stimulus/dist/stimulus.umd.js'],
        answers: { '/total': '$run' },
        fill: { '<output ': '<output class="run" ' },
      })
      await site.signal(page)
      await site.signal(page)
      expect(tabs.complaints).toEqual([])
    })

    const UNPOLY = ['unpoly/unpoly.min.css', 'unpoly/unpoly.min.js']

    it('Unpoly reloads a fragment', async () => {
      const page = await site.open({ heading: 'Unpoly', files: UNPOLY, fill: { '…': RUN } })
      await site.signal(page)
      await site.signal(page)
      expect(tabs.complaints).toEqual([])
    })

    it('Unpoly compiles the elements of a refreshed part', async () => {
      const page = await site.open({ heading: 'Unpoly', index: 1, files: UNPOLY })
      await site.signal(page)
      expect(await page.locator('.since').getAttribute('title')).toBe('compiled')
      expect(tabs.complaints).toEqual([])
    })

    it('handlers of jQuery hear signals, and clicks in a refreshed part', async () => {
      const page = await site.open({ heading: 'jQuery', files: [JQUERY] })
      await site.signal(page)
      expect(await textOf(page, 'output')).toBe('Income 2')
      await page.getByRole('button').click()
      expect(await textOf(page, 'output')).toBe('Paid')
      expect(tabs.complaints).toEqual([])
    })

    const TABLES = [JQUERY, 'datatables.net/js/dataTables.min.js']
    const rows = Array.from({ length: 40 }, (_, index) => [`Order ${index}`, '$run'])
    const shown = (page: Page): Promise<unknown> => page.locator('#orders tbody tr:first-child').innerText()

    it('DataTables fetches its rows again, and stays on its page', async () => {
      const page = await site.open({
        heading: 'DataTables',
        files: TABLES,
        answers: { '/orders.json': JSON.stringify({ data: rows }) },
      })
      await page.locator('[data-dt-idx="1"]').click()
      await expect.poll(() => shown(page)).toBe('Order 18\t1')
      await site.send()
      await expect.poll(() => shown(page)).toBe('Order 18\t2')
      expect(tabs.complaints).toEqual([])
    })

    it('DataTables starts again on rows of the server, in its saved state', async () => {
      const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('')
      const table = `<thead><tr><th>Order<th>Amount</thead><tbody>${body}</tbody>`
      const page = await site.open({ heading: 'DataTables', index: 1, files: TABLES, fill: { '…': table } })
      await page.getByRole('searchbox').fill('Order 2')
      await page.locator('[data-dt-idx="1"]').click()
      await expect.poll(() => shown(page)).toBe('Order 28\t1')
      await site.signal(page)
      await site.signal(page)
      expect(await shown(page)).toBe('Order 28\t3')
      expect(await page.getByRole('searchbox').inputValue()).toBe('Order 2')
      expect(await page.locator('.dt-container').count()).toBe(1)
      expect(tabs.complaints).toEqual([])
    })

    it.each([
      {
        heading: 'Select2',
        files: [JQUERY, 'select2/dist/css/select2.min.css', 'select2/dist/js/select2.min.js'],
        control: '.select2-selection',
        option: '.select2-results__option',
        widget: '.select2-container--default',
      },
      {
        heading: 'Tom Select',
        files: ['tom-select/dist/css/tom-select.css', 'tom-select/dist/js/tom-select.complete.min.js'],
        control: '.ts-control',
        option: '.ts-dropdown .option',
        widget: '.ts-wrapper',
      },
      {
        heading: 'Choices.js',
        files: ['choices.js/public/assets/styles/choices.min.css', 'choices.js/public/assets/scripts/choices.min.js'],
        control: '.choices',
        option: '.choices__item--choice',
        widget: '.choices',
      },
    ])('$heading keeps what the user has chosen, and works again', async ({ control, option, widget, ...recipe }) => {
      const page = await site.open(recipe)
      const choose = async (fruit: string): Promise<void> => {
        await page.locator(control).click()
        await page.locator(option, { hasText: fruit }).click()
      }
      const chosen = (): Promise<string> => page.locator('[name=fruit]').inputValue()
      await choose('Banana')
      await site.signal(page)
      await site.signal(page)
      expect([await chosen(), await page.locator(widget).count()]).toEqual(['Banana', 1])
      expect(await page.locator(control).innerText()).toContain('Banana')
      await choose('Cherry')
      expect(await chosen()).toBe('Cherry')
      expect(tabs.complaints).toEqual([])
    })

    it('flatpickr keeps the days that the user has chosen, and works again', async () => {
      const page = await site.open({
        heading: 'flatpickr',
        files: ['flatpickr/dist/flatpickr.min.css', 'flatpickr/dist/flatpickr.min.js'],
      })
      const choose = async (field: string, day: string): Promise<void> => {
        await page.locator(field).click()
        await page.locator(`.flatpickr-calendar.open .flatpickr-day:not(.prevMonthDay)`, { hasText: day }).click()
      }
      const chosen = (): Promise<string[]> =>
        page.locator('#order input').evaluateAll((fields) => fields.map((field) => (field as HTMLInputElement).value))
      await choose('[name=day]', '15')
      await choose('.form-control, .long:not([name])', '16')
      await site.signal(page)
      expect(await chosen()).toEqual(['2026-01-15', '2026-01-16', '16 January 2026'])
      await choose('[name=day]', '17')
      expect(await chosen()).toEqual(['2026-01-17', '2026-01-16', '16 January 2026'])
      expect(tabs.complaints).toEqual([])
    })

    it('Bootstrap works in a refreshed part, whose unfolded elements stay so', async () => {
      const page = await site.open({
        heading: 'Bootstrap',
        files: ['bootstrap/dist/css/bootstrap.min.css', 'bootstrap/dist/js/bootstrap.bundle.min.js'],
      })
      await page.getByText('More').click()
      await page.locator('#more.collapse.show').waitFor()
      await site.signal(page)
      await page.locator('#more.show').waitFor()
      await page.getByText('More').click()
      await page.locator('#more.collapse:not(.show)').waitFor({ state: 'hidden' })
      await page.getByText('Edit').click()
      await page.locator('[name=note]').fill('typed')
      await site.send()
      await page.getByText('Close').click()
      await page.locator('.run', { hasText: '3' }).waitFor()
      expect(await page.locator('[name=note]').inputValue()).toBe('typed')
      expect(await page.evaluate('getComputedStyle(document.body).overflow')).toBe('visible')
      expect(await page.locator('.modal-backdrop').count()).toBe(0)
      expect(tabs.complaints).toEqual([])
    })

    it('TinyMCE stays, with its text and its caret', async () => {
      const page = await site.open({ heading: 'TinyMCE', files: ['tinymce/tinymce.min.js'] })
      const body = page.frameLocator('iframe').locator('body')
      await body.click()
      await page.keyboard.type('long')
      await site.signal(page)
      await page.keyboard.type(' text')
      expect(await body.innerText()).toBe('long text')
      expect(tabs.complaints).toEqual([])
    })

    it('TinyMCE starts again with its text where the browser cannot move a frame', async () => {
      const page = await site.open({
        heading: 'TinyMCE',
        files: ['tinymce/tinymce.min.js'],
        around: '<script>delete Element.prototype.moveBefore</script>$recipe',
        fill: { 'name="text">': 'name="text">served' },
      })
      const body = page.frameLocator('iframe').locator('body')
      await body.getByText('served').waitFor()
      await site.signal(page)
      await body.getByText('served').click()
      await page.keyboard.press('End')
      await page.keyboard.type(' and typed')
      await site.send()
      await page.getByText('would discard').waitFor()
      await page.getByRole('button', { name: 'Refresh anyway' }).click()
      await page.locator('.run', { hasText: '3' }).waitFor()
      await body.getByText('served and typed').waitFor()
      expect(tabs.complaints).toEqual([])
    })

    it('Quill stays, with its toolbar, its text and its caret', async () => {
      const page = await site.open({ heading: 'Quill', files: ['quill/dist/quill.snow.css', 'quill/dist/quill.js'] })
      await page.locator('.ql-editor').click()
      await page.keyboard.type('long')
      await site.signal(page)
      await page.locator('button.ql-bold').click()
      await page.keyboard.type(' text')
      expect(await page.locator('.ql-editor').innerHTML()).toBe('<p>long<strong> text</strong></p>')
      expect(tabs.complaints).toEqual([])
    })

    it('a chart stays, and shows the new data', async () => {
      const page = await site.open({
        heading: 'Chart.js',
        files: ['chart.js/dist/chart.umd.js'],
        fill: { '<data id="total" value="100">': '<data id="total" value="$run">' },
      })
      await page.evaluate(`document.querySelector('canvas').isSame = true`)
      await site.signal(page)
      await site.signal(page)
      expect(
        await page.evaluate(`[chart.data.datasets[0].data[0], chart.canvas.isConnected, chart.canvas.isSame]`),
      ).toEqual([3, true, true])
      expect(tabs.complaints).toEqual([])
    })

    it('a map stays where the user has moved it, and shows the new places', async () => {
      const page = await site.open({
        heading: 'Leaflet',
        files: ['leaflet/dist/leaflet.css', 'leaflet/dist/leaflet.js'],
        fill: { '51.5,-0.1': '51.5,-0.$run' },
      })
      // Leaflet zooms in the next frame, and ignores clicks while it zooms.
      const zoom = (): Promise<unknown> => page.evaluate(`map._animatingZoom ? 'zooming' : map.getZoom()`)
      await page.locator('.leaflet-control-zoom-in').click()
      await expect.poll(zoom).toBe(10)
      await site.signal(page)
      expect([
        await zoom(),
        await page.evaluate(`markers.getLayers().map((marker) => marker.getLatLng().lng)`),
      ]).toEqual([10, [-0.2]])
      await page.locator('.leaflet-control-zoom-in').click()
      await expect.poll(zoom).toBe(11)
      expect(tabs.complaints).toEqual([])
    })

    it('are all in the guide, and each of its recipes was run', () => {
      const recipes = headingsOf(GUIDE).flatMap((heading) =>
        textsUnder(GUIDE, heading, 'html').map((_, index) => `${heading} ${index}`),
      )
      expect(recipes.length).toBeGreaterThan(20)
      expect([...site.opened].toSorted()).toEqual(recipes.toSorted())
    })
  })
})
