import { receiveSignal } from 'signalpost'
import { loadIncomes } from './incomes'
import { connect } from './signals'

async function refreshData(): Promise<void> {
  const items = (await loadIncomes()).map((amount) => {
    const item = document.createElement('li')
    item.textContent = String(amount)
    return item
  })
  document.querySelector('#report')?.replaceChildren(...items)
}

connect()
receiveSignal('ReportIncome', refreshData)
void refreshData()
