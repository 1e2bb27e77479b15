// Stands in for your backend. Unlike localStorage, Cache Storage shows each tab what another tab has just saved.
const ADDRESS = '/incomes'

export async function saveIncome(amount: number): Promise<void> {
  const store = await caches.open('incomes')
  await store.put(ADDRESS, Response.json([...(await loadIncomes()), amount]))
}

export async function loadIncomes(): Promise<number[]> {
  const answer = await caches.match(ADDRESS)
  return answer ? ((await answer.json()) as number[]) : []
}
