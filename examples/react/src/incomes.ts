// Stands in for your backend. Unlike localStorage, Cache Storage shows each tab what another tab has just saved.
const ADDRESS = '/incomes'

export interface Income {
  readonly amount: number
  readonly time: string
}

export async function saveIncome(amount: number): Promise<void> {
  const income: Income = { amount, time: new Date().toLocaleTimeString('en-GB') }
  const store = await caches.open('incomes')
  await store.put(ADDRESS, Response.json([...(await loadIncomes()), income]))
}

export async function loadIncomes(): Promise<Income[]> {
  const answer = await caches.match(ADDRESS)
  return answer ? ((await answer.json()) as Income[]) : []
}
